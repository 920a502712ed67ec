// Builds the dashboard into dashboard/dist, with compressed copies that the server sends as they are. Run by scripts/bootstrap and CI.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const COMPRESSIBLE = /\.(js|css|html|svg)$/;
const [toGzip, toBrotli] = [promisify(gzip), promisify(brotliCompress)];

/** `x.js.gz` and `x.js.br` beside `x.js`. */
function compressed(): Plugin {
  return {
    name: 'compressed-copies',
    apply: 'build',
    async writeBundle({ dir }) {
      if (dir === undefined) return;
      const names = await readdir(dir, { recursive: true });
      for (const name of names.filter((one) => COMPRESSIBLE.test(one))) {
        const path = join(dir, name);
        const content = await readFile(path);
        await writeFile(`${path}.gz`, await toGzip(content, { level: 9 }));
        await writeFile(`${path}.br`, await toBrotli(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }));
      }
    },
  };
}

const API = 'http://127.0.0.1:8080';
/** What a development server passes on to the real one. */
const CALLS = [
  ...['/jobs', '/plan', '/queue', '/workers', '/events', '/overview', '/system', '/session', '/admin', '/health'],
  ...['/openapi.json', '/docs', '/videos', '/upload', '/transcode', '/stream', '/live', '/api'],
];

export default defineConfig({
  plugins: [react(), compressed()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    target: 'es2022',
    // Browsers of that age know the links by themselves; one that does not asks for the parts when it comes to them.
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    // The player page is a document of its own: it loads nothing of the dashboard.
    rollupOptions: {
      input: ['index.html', 'watch.html'],
      // What every page is put together from comes as one: each file of its own costs some hundred bytes.
      output: {
        codeSplitting: {
          groups: [{ name: 'parts', test: /[\\/]src[\\/]ui[\\/](parts|problem|field|may|dialog)\.tsx$/ }],
        },
      },
    },
  },
  server: { proxy: Object.fromEntries(CALLS.map((path) => [path, API])) },
});
