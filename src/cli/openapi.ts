// `rendition openapi`: the document that /openapi.json serves, for generators. Called by run.ts.
import type { Command } from '#cli/command.ts';
import { openForCommand } from '#cli/open-for-command.ts';

export const command: Command = {
  name: 'openapi',
  usage: 'openapi',
  about: 'Prints the OpenAPI document on standard output.',
  options: {},
  takes: [0, 0],
  examples: [['rendition openapi > openapi.json', 'the same as GET /openapi.json']],
  run: async () => {
    await using platform = await openForCommand();
    const { createServer } = await import('#api/server.ts');
    // It never listens: whether keys exist does not matter.
    const app = await createServer({ ...platform, config: { ...platform.config, AUTH: 'off' } });
    await app.ready();
    process.stdout.write(`${JSON.stringify(app.swagger(), null, 2)}\n`);
    await app.close();
    return 0;
  },
};
