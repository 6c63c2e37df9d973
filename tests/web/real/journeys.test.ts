/** The page over the real gateway, the real agents and the offline models: `npm run test:real`. */

import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { elapse, eventually, launch, log, message, open, pressAndListen, probeOf, status, talkButton } from '../e2e/browser.ts';
import { Laptop } from '../fakes/laptop.ts';

const QUESTION = 'What is the function of red blood cells?';
const PATIENCE = 60_000; // the offline model on a busy machine

const laptop = new Laptop();
let browser: Browser;
let seconds = 0;
beforeAll(async () => {
  await laptop.start();
  const speech = await laptop.speech(QUESTION);
  seconds = speech.seconds;
  browser = await launch('allowed', speech.path);
});
afterAll(async () => {
  await browser?.close();
  await laptop.stop();
});
afterEach(async () => void (await Promise.all(browser.contexts().map((context) => context.close()))));

interface Measured {
  released: number;
  heard: number;
  timings: Record<string, number>;
}

/** Notes when the talk button was let go, when the first sound begins, and what the server says of its turn. */
const measure = () => {
  const measured: Measured = { released: 0, heard: 0, timings: {} };
  Object.assign(globalThis, { measured });
  const { start } = AudioBufferSourceNode.prototype;
  AudioBufferSourceNode.prototype.start = function (when = 0) {
    measured.heard ||= performance.now() + (when - this.context.currentTime) * 1000;
    start.call(this, when);
  };
  const release = () => void (measured.released = performance.now());
  addEventListener('pointerup', release, true);
  addEventListener('keyup', release, true);
  const { fetch } = globalThis;
  globalThis.fetch = async (...request) => {
    const response = await fetch(...request);
    if (!String(request[0]).includes('speech_to_speech')) return response;
    void response.clone().text().then((text) => {
      const completed = /event: turn\.completed\ndata: (.*)/.exec(text);
      if (completed) measured.timings = (JSON.parse(completed[1]!) as { timings: Measured['timings'] }).timings;
    }, () => undefined);
    return response;
  };
};

const openReal = (options = {}) => open(browser, laptop.url, { ...options, before: async (page) => void (await page.addInitScript(measure)) });
const replies = (page: Page) => log(page).locator('.reply');
const answered = (page: Page, count: number) => eventually(() => page.locator('.turn:has(.reply)').count().then(async (all) => all >= count && (await page.locator('.steps [class~=step-name]').count()) === 0), Boolean, PATIENCE);
const ask = async (page: Page, text: string) => {
  await message(page).fill(text);
  await message(page).press('Enter');
};

test('a spoken question is understood, answered, written and heard; a reload keeps it; the session goes on', async () => {
  const { page, errors } = await openReal();
  await pressAndListen(page);
  await elapse(page, seconds * 1000);
  await page.mouse.up();
  await eventually(() => log(page).textContent(), (text) => /red blood/i.test(text!), PATIENCE);
  await eventually(() => status(page).textContent(), (text) => text === 'Speaking', PATIENCE);
  const { starts } = await eventually(() => probeOf(page), ({ starts }) => starts.length > 0, PATIENCE);
  expect(starts[0]!.running).toBe(true);
  await eventually(() => status(page).textContent(), (text) => text === 'Answer complete', PATIENCE);
  const measured = await page.evaluate(() => (globalThis as unknown as { measured: Measured }).measured);
  console.info(`release to first sound: ${Math.round(measured.heard - measured.released)} ms in the browser; the server's timings: ${JSON.stringify(measured.timings)}`);
  expect(measured.heard).toBeGreaterThan(measured.released);
  const reply = await replies(page).first().textContent();
  await page.reload();
  await eventually(() => replies(page).first().textContent(), (text) => text === reply);
  await ask(page, 'And of white ones?');
  await answered(page, 2);
  expect(errors).toEqual([]);
});

test('Space alone is enough to talk; Esc silences the answer', async () => {
  const { page } = await openReal();
  await talkButton(page).focus();
  await page.keyboard.down('Space');
  await page.getByText('Let go to send').waitFor();
  await elapse(page, seconds * 1000);
  await page.keyboard.up('Space');
  await eventually(() => status(page).textContent(), (text) => text === 'Speaking', PATIENCE);
  await page.keyboard.press('Escape');
  await eventually(() => status(page).textContent(), (text) => text === 'Stopped' || text === 'Answer complete');
});

test('a slow answer can be stopped, and asked for again', async () => {
  const { page } = await openReal();
  await ask(page, 'Tell me a long story about a river.');
  await eventually(() => status(page).textContent(), (text) => text === 'Thinking');
  await page.getByRole('button', { name: 'Stop' }).click();
  await log(page).getByText('Stopped').waitFor();
  await page.getByRole('button', { name: 'Ask again' }).click();
  await answered(page, 1);
});

test('offline, then online: what waited is answered', async () => {
  const { page } = await openReal();
  await page.context().setOffline(true);
  await page.getByLabel('Send by itself when back').check();
  await ask(page, 'Good morning.');
  await log(page).getByText('Waits for the network').waitFor();
  await page.context().setOffline(false);
  await answered(page, 1);
});

test('two tabs: what one asks, the other shows', async () => {
  const { page } = await openReal();
  await ask(page, 'Good evening.');
  await answered(page, 1);
  const tab = await page.context().newPage();
  await tab.goto(laptop.url);
  await tab.locator('aside').getByRole('button', { name: /^Good evening/ }).click();
  await ask(tab, 'And good night.');
  await answered(tab, 2);
  await eventually(() => replies(page).count(), (count) => count === 2);
});

test('the page is small, quick and from here alone', async () => {
  const { page } = await openReal();
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  let bytes = 0;
  session.on('Network.loadingFinished', ({ encodedDataLength }) => void (bytes += encodedDataLength));
  const responses: Record<string, string>[] = [];
  page.on('response', (response) => void responses.push({ url: response.url(), ...response.headers() }));
  await session.send('Network.setCacheDisabled', { cacheDisabled: true });
  await page.reload({ waitUntil: 'networkidle' });
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0);
  console.info(`page: ${bytes} bytes in ${responses.length} requests, first paint after ${Math.round(paint)} ms`);
  expect(responses.filter(({ url }) => !url!.startsWith(laptop.url))).toEqual([]);
  const assets = responses.filter(({ url }) => /assets\/index-.*\.(js|css)$/.test(url!));
  expect(assets.length).toBeGreaterThanOrEqual(2);
  for (const asset of assets) expect(asset).toMatchObject({ 'content-encoding': expect.stringMatching(/^(br|gzip)$/), 'cache-control': 'public, max-age=31536000, immutable' });
  expect(responses.find(({ url }) => url === laptop.url)).toMatchObject({ 'cache-control': 'no-cache', 'content-security-policy': expect.not.stringContaining('unsafe') });
  expect(bytes).toBeLessThan(40 * 1024);
});

test('everything is killed in the middle of an answer: it is said, and Retry succeeds when it runs again', async () => {
  const { page } = await openReal();
  await ask(page, 'Tell me a long story about the sea.');
  await eventually(() => status(page).textContent(), (text) => text === 'Thinking');
  await laptop.stop('SIGKILL');
  await page.locator('.failure').waitFor();
  await page.getByText('Talk cannot be reached').first().waitFor();
  await laptop.start();
  await page.locator('.network').waitFor({ state: 'hidden', timeout: 20_000 });
  await page.getByRole('button', { name: 'Retry' }).click();
  await answered(page, 1);
});
