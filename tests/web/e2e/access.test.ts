/** Talk for everyone: by keyboard, by assistive technology, without a microphone. */

import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FakeGateway, audio, opening, reply, tone } from '../fakes/gateway.ts';
import { elapse, ended, eventually, holdToTalk, launch, log, message, open, pressAndListen, status, talkButton, violations } from './browser.ts';
import { heard } from './recording.ts';

let browser: Browser;
let gateway: FakeGateway;
beforeAll(async () => void (browser = await launch()));
afterAll(() => browser.close());
beforeEach(async () => void (gateway = await new FakeGateway().start()));
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
  await gateway.stop();
});

test.each(['Space', 'Enter'])('with the keyboard alone: %s is held, the answer comes, Esc stops', async (key) => {
  const { page } = await open(browser, gateway.url);
  await message(page).focus();
  for (let steps = 0; !(await talkButton(page).evaluate((button) => button === document.activeElement)); steps += 1) {
    expect(steps).toBeLessThan(3);
    await page.keyboard.press('Tab');
  }
  await page.keyboard.down(key);
  await eventually(() => status(page).textContent(), (text) => text === 'Listening');
  await page.keyboard.down(key); // the system repeats it
  await elapse(page, 400);
  gateway.script = (exchange) => reply(exchange, 'Long story', tone(20));
  await page.keyboard.up(key);
  await log(page).getByText('Long story').waitFor();
  await eventually(() => status(page).textContent(), (text) => text === 'Speaking');
  await page.keyboard.press('Escape');
  await ended(page);
  expect(gateway.exchanges).toHaveLength(1);
});

test('a click of assistive technology starts, the next one sends', async () => {
  const { page } = await open(browser, gateway.url);
  const click = () => talkButton(page).evaluate((button) => (button as HTMLElement).click());
  await click();
  await eventually(() => status(page).textContent(), (text) => text === 'Listening');
  await elapse(page, 400);
  await click();
  expect(heard((await gateway.exchange(0)).wav).seconds).toBeGreaterThan(0.5);
});

describe('without a microphone text still works', () => {
  const without: [string, 'denied' | 'none', string, (url: string) => string][] = [
    ['it is refused', 'denied', 'The microphone is blocked', (url) => url],
    ['there is none', 'none', 'No microphone was found', (url) => url],
    ['the page is not secure', 'none', 'only to secure pages', (url) => url.replace('localhost', 'talk.test')],
  ];
  test.each(without)('%s', async (_, microphone, words, at) => {
    const other = await launch(microphone);
    try {
      const { page, errors } = await open(other, at(gateway.url));
      await talkButton(page).hover();
      await page.mouse.down();
      await page.locator('.hint', { hasText: words }).waitFor();
      await page.mouse.up();
      expect(await status(page).textContent()).toContain(words);
      await message(page).fill('one');
      await message(page).press('Enter');
      await log(page).getByText('Hello.').waitFor();
      expect(errors).toEqual([]);
    } finally {
      await other.close();
    }
  });
});

test('a microphone that another program uses is named, and works once it is free', async () => {
  const before = async (page: Page) => {
    await page.addInitScript(() => {
      const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      Object.assign(globalThis, { taken: true });
      navigator.mediaDevices.getUserMedia = (constraints) =>
        (globalThis as unknown as { taken: boolean }).taken ? Promise.reject(new DOMException('in use', 'NotReadableError')) : real(constraints);
    });
  };
  const { page, errors } = await open(browser, gateway.url, { before });
  await talkButton(page).hover();
  await page.mouse.down();
  await page.locator('.hint', { hasText: 'Another program uses the microphone' }).waitFor();
  await page.mouse.up();
  expect(await status(page).textContent()).toContain('Another program uses the microphone');
  expect(await violations(page)).toEqual([]);
  await page.evaluate(() => Object.assign(globalThis, { taken: false }));
  await holdToTalk(page);
  expect(heard((await gateway.exchange(0)).wav).seconds).toBeGreaterThan(0.5);
  expect(errors).toEqual([]);
});

describe.each(['light', 'dark'] as const)('axe-core finds nothing wrong, %s', (colorScheme) => {
  test('in the states of a conversation', async () => {
    const { page } = await open(browser, gateway.url, { colorScheme });
    expect(await violations(page)).toEqual([]);
    await pressAndListen(page);
    expect(await violations(page)).toEqual([]);
    gateway.script = (exchange) => exchange.send(...opening(exchange), { type: 'tool.started', call_id: '1', name: 'local-guide' });
    await elapse(page, 350);
    await page.mouse.up();
    await page.getByText('Asking local-guide').first().waitFor();
    expect(await violations(page)).toEqual([]);
    const text = '# Plan\n\n- **one** `two`\n\n```\nthree\n```\n[four](https://example.org/)';
    (await gateway.exchange(0)).send({ type: 'reply.delta', text }, { type: 'stage', stage: 'speaking' }, audio(tone(20)));
    await log(page).getByText('three').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    gateway.script = (exchange) => exchange.problem(503, { code: 'provider_busy', retryable: true }, { 'Retry-After': '30' });
    await message(page).fill('one');
    await message(page).press('Enter');
    await page.getByRole('button', { name: /Retry in/ }).waitFor();
    expect(await violations(page)).toEqual([]);
  });
});
