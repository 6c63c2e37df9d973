import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** The service worker learns which files the page is made of, and a version that changes with any of them. */
function shell(): Plugin {
  let folder = '';
  return {
    name: 'shell',
    apply: 'build',
    configResolved: ({ build, root }) => void (folder = resolve(root, build.outDir)),
    closeBundle() {
      const files = readdirSync(join(folder, 'assets')).sort().map((name) => `/assets/${name}`);
      const index = readFileSync(join(folder, 'index.html'), 'utf8');
      const entry = files.find((name) => name.endsWith('.js') && index.includes(name));
      const version = createHash('sha256').update(index + files.join()).digest('hex').slice(0, 8);
      const path = join(folder, 'worker.js');
      writeFileSync(path, readFileSync(path, 'utf8').replace('SHELL', JSON.stringify({ version, entry, files })));
    },
  };
}

/** Beside each asset lies the same in gzip and in brotli, so that the gateway compresses nothing while it serves. */
function compressed(): Plugin {
  let folder = '';
  return {
    name: 'compressed',
    apply: 'build',
    configResolved: ({ build, root }) => void (folder = resolve(root, build.outDir, 'assets')),
    closeBundle() {
      for (const name of readdirSync(folder)) {
        const path = join(folder, name);
        const body = readFileSync(path);
        writeFileSync(`${path}.gz`, gzipSync(body, { level: 9 }));
        writeFileSync(`${path}.br`, brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
      }
    },
  };
}

/** The committed build is compared with a fresh one, so nothing in it may depend on time, path or machine. */
export default defineConfig({
  plugins: [shell(), compressed()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // a data: URL would need a weaker Content-Security-Policy
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      input: ['index.html', 'src/worker.js'],
      output: { entryFileNames: ({ name }) => (name === 'worker' ? 'worker.js' : 'assets/[name]-[hash].js') }, // a worker's scope is its folder
    },
  },
  server: { port: 5173, proxy: { '/v1': 'http://localhost:8080' } },
});
