import { defineConfig } from 'vite';

/** The committed build is compared with a fresh one, so nothing in it may depend on time, path or machine. */
export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // a data: URL would need a weaker Content-Security-Policy
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { port: 5173, proxy: { '/v1': 'http://localhost:8080' } },
});
