/** The page where no gateway answers: what a device keeps of the page itself, and that it is never an old one. */

import { cpSync, mkdtempSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DIST, FakeGateway } from '../fakes/gateway.ts';
import { eventually, holdToTalk, launch, log, message, open, violations } from './browser.ts';

let browser: Browser;
let gateway: FakeGateway;
beforeAll(async () => void (browser = await launch()));
afterAll(() => browser.close());
beforeEach(async () => void (gateway = await new FakeGateway().start()));
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
  await gateway.stop();
});

const worked = (page: Page) => page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
const kept = (page: Page) =>
  page.evaluate(async () => {
    const caches = await Promise.all((await globalThis.caches.keys()).map(async (name) => (await globalThis.caches.open(name)).keys()));
    return caches.map((cache) => cache.map(({ url }) => new URL(url).pathname).sort());
  });
const entryOf = (page: Page) => page.evaluate(() => document.querySelector('script')?.src.split('/').at(-1));
const ask = async (page: Page, text: string) => {
  await message(page).fill(text);
  await message(page).press('Enter');
};

/** The same page as a later release would build it: other names of its files, another index, another worker. */
function laterBuild(release: string): { folder: string; entry: string } {
  const folder = mkdtempSync(join(tmpdir(), 'talk-dist-'));
  cpSync(DIST, folder, { recursive: true });
  const old = readdirSync(join(folder, 'assets')).find((name) => /^index-.*\.js$/.test(name))!;
  const entry = `index-${release.padEnd(8, '0')}.js`;
  renameSync(join(folder, 'assets', old), join(folder, 'assets', entry));
  for (const name of ['index.html', 'worker.js']) {
    const text = readFileSync(join(folder, name), 'utf8').replaceAll(old, entry);
    writeFileSync(join(folder, name), text.replace(/"?version"?:"\w+"/, `"version":"${release}"`).replace(/version:`\w+`/, `version:\`${release}\``));
  }
  return { folder, entry };
}

test('with no gateway a reload shows the page and its conversations; what is said there goes when it is back', async () => {
  const { page, errors } = await open(browser, gateway.url);
  await ask(page, 'one');
  await log(page).getByText('Hello.').waitFor();
  await worked(page);
  const { port } = gateway;
  await gateway.stop();
  await page.reload();
  await log(page).getByText('Hello.').waitFor();
  await page.getByText('Talk cannot be reached').first().waitFor();
  await page.getByLabel('Send by itself when back').check();
  await holdToTalk(page); // the microphone's part of the page was never fetched before
  await log(page).getByText('Waits for the network').waitFor();
  expect(await violations(page)).toEqual([]);
  gateway = await new FakeGateway().start(port);
  await eventually(() => log(page).getByText('Hello.').count(), (count) => count === 2);
  expect(gateway.exchanges.map(({ kind }) => kind)).toEqual(['voice']);
  expect(errors).toEqual([]);
});

test('it is kept in the language of the person too', async () => {
  const { page } = await open(browser, gateway.url, { locale: 'kn-IN' });
  await worked(page);
  await gateway.stop();
  await page.reload();
  await page.getByRole('button', { name: 'ಒತ್ತಿಹಿಡಿದು ಮಾತನಾಡಿ' }).waitFor();
  gateway = await new FakeGateway().start();
});

test('only files of the page are kept: no answer, no failure, no recording, no key', async () => {
  gateway.key = 'the key';
  const { page } = await open(browser, gateway.url, { ready: '.sign-in' });
  await page.getByLabel('API key').fill('the key');
  await page.getByLabel('API key').press('Enter');
  await ask(page, 'one');
  await log(page).getByText('Hello.').waitFor();
  await worked(page);
  await page.reload();
  await page.getByLabel('API key').fill('the key');
  await page.getByLabel('API key').press('Enter');
  await holdToTalk(page);
  gateway.script = (exchange) => exchange.problem(503, { code: 'draining', retryable: true });
  await ask(page, 'two');
  await log(page).getByText('Talk is restarting').waitFor();
  expect(await page.evaluate(() => fetch('/assets/none.js').then(({ status }) => status))).toBe(404);
  const [files, ...others] = await kept(page);
  expect(others).toEqual([]);
  expect(files).toEqual(['/', ...readdirSync(join(DIST, 'assets')).filter((name) => !/\.(br|gz)$/.test(name)).sort().map((name) => `/assets/${name}`)].sort());
});

describe('after an upgrade', () => {
  test('the next load is the new page, and so is the one that is kept; the page before stays for tabs that show it', async () => {
    const { page, errors } = await open(browser, gateway.url);
    await worked(page);
    const first = await entryOf(page);
    for (const release of ['second', 'third']) {
      const { folder, entry } = laterBuild(release);
      gateway.folder = folder;
      await page.reload();
      expect(await entryOf(page)).toBe(entry);
      await eventually(() => kept(page), (all) => all.length === 2 && all[1]!.includes(`/assets/${entry}`), 15_000); // Chromium looks for a new worker when it is idle
    }
    expect((await kept(page)).flat()).not.toContain(`/assets/${first}`);
    expect(await page.evaluate(() => fetch('/assets/index-second00.js').then(({ ok }) => ok))).toBe(true);
    await gateway.stop();
    await page.reload();
    expect(await entryOf(page)).toBe('index-third000.js');
    expect(errors).toEqual([]);
    gateway = await new FakeGateway().start();
  });

  test('a roll-out that mixes two builds keeps the whole one', async () => {
    const { page } = await open(browser, gateway.url);
    await worked(page);
    const first = await entryOf(page);
    const { folder } = laterBuild('mixed');
    writeFileSync(join(folder, 'index.html'), readFileSync(join(DIST, 'index.html')));
    gateway.folder = folder;
    await page.evaluate(() => navigator.serviceWorker.ready.then((one) => one.update()).catch(() => undefined));
    await eventually(() => page.evaluate(() => navigator.serviceWorker.ready.then(({ installing, waiting }) => !installing && !waiting)), Boolean);
    expect(await kept(page)).toHaveLength(1);
    await gateway.stop();
    await page.reload();
    expect(await entryOf(page)).toBe(first);
    await page.locator('.network').waitFor();
    gateway = await new FakeGateway().start();
  });
});

test.each(['bad gateway', 'never'] as const)('where the page is asked for and the answer is %s, the kept one shows', async (index) => {
  const { page } = await open(browser, gateway.url);
  await ask(page, 'one');
  await log(page).getByText('Hello.').waitFor();
  await worked(page);
  gateway.index = index;
  await page.reload();
  await log(page).getByText('Hello.').waitFor();
});

test('over plain http from another host there is none, and not a word about it', async () => {
  const { page, errors } = await open(browser, gateway.url.replace('localhost', 'talk.test'));
  await ask(page, 'one');
  await log(page).getByText('Hello.').waitFor();
  expect(gateway.paths).not.toContain('/worker.js');
  expect(errors).toEqual([]);
});
