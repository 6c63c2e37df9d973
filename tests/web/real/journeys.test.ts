/** The page over the real gateway, the real agents and the offline models: `npm run test:real`. */

import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { elapse, eventually, focused, launch, listenIn, log, message, misplaced, open, pressAndListen, probeOf, status, tabTo, violations } from '../e2e/browser.ts';
import { Laptop } from '../fakes/laptop.ts';

const QUESTION = 'What is the function of red blood cells?';
const PATIENCE = 60_000; // the offline model on a busy machine
const PHONE = { viewport: { width: 320, height: 640 } };
const pictures = fileURLToPath(new URL('../../../test-results/web/', import.meta.url));

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
const says = (page: Page, step: string) => eventually(() => status(page).textContent(), (text) => text === step, PATIENCE);
const answered = (page: Page, count: number) => eventually(() => page.locator('.turn:has(.reply)').count().then(async (all) => all >= count && (await page.locator('.steps [class~=step-name]').count()) === 0), Boolean, PATIENCE);
const ask = async (page: Page, text: string) => {
  await message(page).fill(text);
  await message(page).press('Enter');
};
const worked = (page: Page) => page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));

/** The Idempotency-Keys of the turns that are asked from now on. */
function keysOf(page: Page): string[] {
  const keys: string[] = [];
  page.on('request', (request) => void (request.method() === 'POST' && keys.push(request.headers()['idempotency-key']!)));
  return keys;
}

/** A picture for people, and what machines can see in it: nothing covered, cut off or small, nothing that axe-core objects to. */
async function look(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `${pictures}real-${name}.png` });
  expect(await misplaced(page), name).toEqual([]);
  expect(await violations(page), name).toEqual([]);
}

/** The words of people and models as places for them: they are not the page's. */
const withoutWords = (snapshot: string, words: Record<string, string>) =>
  Object.entries(words).reduce((text, [place, said]) => text.replaceAll(said.replace(/\s+/g, ' ').trim(), `<${place}>`), snapshot);

test('a spoken question is understood, answered, written, heard and told to a screen reader; a reload keeps it; the session goes on', async () => {
  const { page, errors } = await openReal(PHONE);
  await look(page, '1-welcome');
  const told = await listenIn(page);
  await pressAndListen(page);
  await Promise.all([look(page, '2-listening'), elapse(page, seconds * 1000)]);
  await page.mouse.up();
  await eventually(() => log(page).textContent(), (text) => /red blood/i.test(text!), PATIENCE);
  await says(page, 'Speaking');
  const { starts } = await eventually(() => probeOf(page), ({ starts }) => starts.length > 0, PATIENCE);
  expect(starts[0]!.running).toBe(true);
  await look(page, '3-speaking');
  await says(page, 'Answer complete');
  const measured = await page.evaluate(() => (globalThis as unknown as { measured: Measured }).measured);
  console.info(`release to first sound: ${Math.round(measured.heard - measured.released)} ms in the browser; the server's timings: ${JSON.stringify(measured.timings)}`);
  expect(measured.heard).toBeGreaterThan(measured.released);
  expect((await told()).filter((line) => !/Opening the microphone|Sending/.test(line))).toEqual(['Listening', 'Transcribing', 'Thinking', 'Speaking', 'Answer complete'].map((step) => `status: ${step}`));
  const [question, reply] = [await log(page).locator('.said [dir]').first().innerText(), await replies(page).locator('.formatted').first().innerText()];
  expect(withoutWords(await log(page).ariaSnapshot(), { question, reply })).toMatchInlineSnapshot(`
    "- log "Conversation":
      - article:
        - text: "You: <question> assistant:"
        - paragraph: <reply>
        - paragraph: The answer reached its length limit."
  `);
  await page.reload();
  await eventually(() => replies(page).locator('.formatted').first().innerText(), (text) => text === reply);
  await ask(page, 'And of white ones?');
  await answered(page, 2);
  await look(page, '4-answered');
  expect(errors).toEqual([]);
});

test('by keyboard alone: speak, silence the answer, ask in writing, stop, begin anew', async () => {
  const { page } = await openReal();
  await tabTo(page, 'Hold to talk');
  await page.keyboard.down('Space');
  await page.getByText('Let go to send').waitFor();
  await elapse(page, seconds * 1000);
  await page.keyboard.up('Space');
  await says(page, 'Speaking');
  await page.keyboard.press('Escape');
  await eventually(() => status(page).textContent(), (text) => text === 'Stopped' || text === 'Answer complete');
  await page.keyboard.press('Shift+Tab');
  await tabTo(page, 'Your message');
  await page.keyboard.type('Tell me a long story about a mountain.');
  await page.keyboard.press('Enter');
  await says(page, 'Thinking');
  await page.keyboard.press('Escape');
  await says(page, 'Stopped');
  await tabTo(page, 'New conversation');
  await page.keyboard.press('Enter');
  await eventually(() => log(page).textContent(), (text) => text === '');
  expect(await focused(page)).not.toBe('');
});

test('a slow answer can be stopped, and asked for again', async () => {
  const { page } = await openReal();
  const keys = keysOf(page);
  await ask(page, 'Tell me a long story about a river.');
  await says(page, 'Thinking');
  await page.getByRole('button', { name: 'Stop' }).click();
  await log(page).getByText('Stopped').waitFor();
  await page.getByRole('button', { name: 'Ask again' }).click();
  await answered(page, 1);
  expect(keys).toEqual([keys[0], keys[0]]);
});

test('offline, then online: what waited is answered', async () => {
  const { page } = await openReal(PHONE);
  await page.context().setOffline(true);
  await page.getByLabel('Send by itself when back').check();
  await ask(page, 'Good morning.');
  await log(page).getByText('Waits for the network').waitFor();
  await look(page, '5-offline');
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
  const { page } = await openReal({ serviceWorkers: 'block' }); // it would answer the second time
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

test('everything is killed in the middle of an answer: a reload keeps what was said, and Retry succeeds when it runs again', async () => {
  const { page } = await openReal(PHONE);
  const keys = keysOf(page);
  await worked(page);
  await ask(page, 'Tell me a long story about the sea.');
  await says(page, 'Thinking');
  await laptop.stop('SIGKILL');
  await page.locator('.failure').waitFor();
  await page.locator('.network', { hasText: 'Talk cannot be reached' }).waitFor();
  await look(page, '6-killed');
  await page.reload(); // from what the device keeps
  await log(page).getByText('Tell me a long story about the sea.').waitFor();
  await laptop.start();
  await page.locator('.network').waitFor({ state: 'hidden', timeout: 20_000 });
  await page.getByRole('button', { name: 'Retry' }).click();
  await answered(page, 1);
  expect(keys).toEqual([keys[0], keys[0]]);
  expect(await log(page).locator('.said').count()).toBe(1);
});

test('a key is asked for and taken; a busy agent refuses with 429, which counts down, and Retry succeeds', async () => {
  await laptop.stop();
  const { key, settings } = laptop.key('alice');
  await laptop.start({ ...settings, TALK_AGENT_TURNS: '1', TALK_WAITING_TURNS: '0', TALK_LOCAL_LLM_TOKENS: '150' });
  const enter = async (page: Page) => {
    await page.getByLabel('API key').fill(key);
    await page.getByLabel('API key').press('Enter');
    await page.locator('.agent').first().waitFor({ state: 'attached' });
  };
  const { page: first } = await openReal({ ready: '.sign-in' });
  const { page } = await open(browser, laptop.url, { ...PHONE, ready: '.sign-in', before: (page) => page.clock.install() });
  await look(page, '7-sign-in');
  await enter(page);
  await enter(first);
  const keys = keysOf(page);
  await page.clock.pauseAt(Date.now() + 2_000);
  await ask(first, 'Tell me a very long story about a forest.');
  await says(first, 'Thinking');
  const refused = page.waitForResponse((response) => response.url().endsWith('/v1/chat'));
  await ask(page, 'Good night.');
  expect((await refused).status()).toBe(429);
  await page.getByRole('button', { name: /Retry in \d s/ }).waitFor(); // for as long as the page's clock stands still
  await first.keyboard.press('Escape');
  await answered(first, 0);
  await page.clock.resume();
  await page.getByRole('button', { name: 'Retry', exact: true }).click();
  await answered(page, 1);
  expect(keys).toEqual([keys[0], keys[0]]);
});
