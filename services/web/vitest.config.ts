import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The tests live outside this folder and import from its node_modules. */
const alias = Object.fromEntries(
  ['vitest', 'playwright-core', 'axe-core'].map((name) => [name, here(`node_modules/${name}`)]),
);

const project = (name: string, include: string, extra = {}) => ({
  root: here('../../tests/web'),
  resolve: { alias },
  oxc: { jsx: { runtime: 'automatic' as const, importSource: 'preact' } },
  test: { name, include: [include], environment: 'node', ...extra },
});

export default defineConfig({
  test: {
    projects: [
      project('unit', 'unit/**/*.test.ts'),
      project('e2e', 'e2e/**/*.test.ts', { testTimeout: 40_000, hookTimeout: 40_000, fileParallelism: true, maxWorkers: 2 }),
      project('real', 'real/**/*.test.ts', { testTimeout: 180_000, hookTimeout: 180_000, fileParallelism: false }),
      project('screenshots', 'screenshots.ts', { testTimeout: 60_000, hookTimeout: 30_000 }),
    ],
  },
});
