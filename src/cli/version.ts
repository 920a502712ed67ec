// `rendition version`. Called by run.ts.

import type { Command } from '#cli/command.ts';
import packageFile from '../../package.json' with { type: 'json' };

export const command: Command = {
  name: 'version',
  usage: 'version',
  about: 'Prints the version.',
  options: {},
  takes: [0, 0],
  examples: [],
  run: async () => {
    process.stdout.write(`${packageFile.version}\n`);
    return 0;
  },
};
