// Builds the page into a temporary folder and compares it, byte by byte, with the committed services/web/dist.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { build } from 'vite';

const COMPRESSED_LIMIT = 40 * 1024; // of the whole page, gzip
const WORKER = 'worker.js';
const WORKER_LIMIT = 1024; // gzip; fetched once the page can be used, and again only when it changed
const opened = { '.gz': gunzipSync, '.br': brotliDecompressSync }; // what compressors write differs by version, what it says does not
const root = fileURLToPath(new URL('..', import.meta.url));

async function files(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(await Promise.all(paths.map(async (path) => [relative(folder, path), await readFile(path)])));
}

const fresh = await mkdtemp(join(tmpdir(), 'talk-web-'));
try {
  await build({ root, logLevel: 'error', build: { outDir: fresh, emptyOutDir: true } });
  const [committed, built] = await Promise.all([files(join(root, 'dist')), files(fresh)]);
  const names = [...new Set([...committed.keys(), ...built.keys()])].sort();
  const content = (all, name) => (all.has(name) ? (opened[extname(name)] ?? ((body) => body))(all.get(name)) : null);
  const differing = names.filter((name) => !content(committed, name)?.equals(content(built, name) ?? Buffer.alloc(0)));
  const plain = [...built].filter(([name]) => !(extname(name) in opened) && name !== WORKER);
  const size = (body) => gzipSync(body, { level: 9 }).length;
  const compressed = plain.reduce((sum, [, body]) => sum + size(body), 0);
  const worker = size(built.get(WORKER));
  console.log(`${plain.length} files, ${compressed} bytes compressed (limit ${COMPRESSED_LIMIT}); the service worker ${worker} (limit ${WORKER_LIMIT})`);
  if (compressed > COMPRESSED_LIMIT) throw new Error('The page is larger than its limit.');
  if (worker > WORKER_LIMIT) throw new Error('The service worker is larger than its limit.');
  if (differing.length > 0) {
    throw new Error(`services/web/dist is not what its source builds: ${differing.join(', ')}. Run "npm run build" and commit dist.`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await rm(fresh, { recursive: true, force: true });
}
