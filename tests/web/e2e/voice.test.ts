/** Talking: what people hear and see, and what the gateway gets. */

import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { FakeGateway, audio, opening, reply, tone } from '../fakes/gateway.ts';
import { elapse, ended, eventually, holdToTalk, launch, log, message, open, pressAndListen, probeOf, silent, status, talkButton } from './browser.ts';
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

test('a spoken question is sent as 16 kHz mono WAV, and its answer is written and heard', async () => {
  const { page, errors } = await open(browser, gateway.url);
  gateway.script = (exchange) => reply(exchange, 'It is ten o’clock.', tone(0.3));
  await holdToTalk(page, 600);
  await log(page).getByText('It is ten o’clock.').waitFor();
  await log(page).getByText('What is the time?').waitFor();
  const { wav, url, headers } = gateway.exchanges[0]!;
  expect(heard(wav)).toMatchObject({ rate: 16_000, channels: 1, bits: 16 });
  expect(heard(wav).seconds).toBeGreaterThan(0.8); // the press and 300 ms after it
  expect(heard(wav).seconds).toBeLessThan(4);
  expect(heard(wav).loudness).toBeGreaterThan(0.02);
  expect(url.search).toBe('?mode=agent&agent_name=assistant&format=pcm');
  expect(headers).toMatchObject({ accept: 'text/event-stream', 'x-session-id': expect.stringMatching(/^[0-9a-f]{32}$/) });
  const { starts } = await eventually(() => probeOf(page), ({ starts }) => starts.length > 0);
  expect(starts).toEqual([{ when: expect.any(Number), duration: expect.closeTo(0.3, 3), running: true }]);
  await silent(page);
  expect(errors).toEqual([]);
});

test('sound in many pieces is one sound, also when the answer comes six seconds after the button', async () => {
  const { page } = await open(browser, gateway.url);
  gateway.script = (exchange) => exchange.send(...opening(exchange));
  await holdToTalk(page);
  await eventually(() => status(page).textContent(), (text) => text === 'Thinking');
  await elapse(page, 6_000); // browsers of phones allow sound soon after a gesture only, unless it was unlocked in one
  const sound = tone(0.5);
  const exchange = await gateway.exchange(0);
  for (let at = 0; at < sound.length; at += 4_001) exchange.send(audio(sound.subarray(at, at + 4_001)));
  exchange.send({ type: 'turn.completed', reply: 'Yes.' });
  exchange.end();
  const { starts } = await eventually(() => probeOf(page), ({ starts }) => starts.length === 6);
  starts.slice(1).forEach((piece, i) => expect(piece.when).toBeCloseTo(starts[i]!.when + starts[i]!.duration, 6));
  expect(starts.every(({ running }) => running)).toBe(true);
  expect(starts.reduce((sum, { duration }) => sum + duration, 0)).toBeCloseTo(0.5, 6);
  await silent(page);
});

test('a tap is not sent but locks; the next tap sends', async () => {
  const { page } = await open(browser, gateway.url);
  await pressAndListen(page);
  await page.keyboard.press('Escape'); // the recording is dropped; letting go starts nothing
  await page.mouse.up();
  await eventually(() => status(page).textContent(), (text) => text === '');
  await talkButton(page).click({ delay: 60 });
  await page.getByText('Tap to send').waitFor();
  await elapse(page, 500);
  expect(gateway.exchanges).toEqual([]); // a tap locks: speech goes on with nothing held
  await talkButton(page).click({ delay: 60 });
  expect(heard((await gateway.exchange(0)).wav).seconds).toBeGreaterThan(0.6);
  await silent(page);
  expect(gateway.exchanges).toHaveLength(1);
});

test('"Listening" shows when sound comes, not when the button is pressed', async () => {
  const before = async (page: Page) => {
    await page.addInitScript(() => {
      const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (constraints) => {
        await new Promise<void>((resolve) => Object.assign(globalThis, { giveMicrophone: resolve }));
        return real(constraints);
      };
    });
  };
  const { page } = await open(browser, gateway.url, { before });
  await talkButton(page).hover();
  await page.mouse.down();
  await eventually(() => status(page).textContent(), (text) => text === 'Opening the microphone');
  await elapse(page, 1_000);
  expect(await status(page).textContent()).toBe('Opening the microphone');
  await page.evaluate(() => (globalThis as unknown as { giveMicrophone(): void }).giveMicrophone());
  await eventually(() => status(page).textContent(), (text) => text === 'Listening');
  await elapse(page, 400);
  await page.mouse.up();
  await gateway.exchange(0);
  await silent(page);
  await holdToTalk(page); // the microphone is warm: nobody has to give it again
  await gateway.exchange(1);
});

test('a failed turn keeps its recording: Retry sends the same bytes under the same key', async () => {
  const { page } = await open(browser, gateway.url);
  gateway.script = (exchange) => {
    exchange.send(...opening(exchange), { type: 'turn.failed', code: 'provider_failed', detail: '', retryable: true });
    exchange.end();
  };
  await holdToTalk(page);
  await log(page).getByText('The model or speech service failed').waitFor();
  gateway.script = (exchange) => reply(exchange, 'There you are.');
  await page.getByRole('button', { name: 'Retry' }).click();
  await log(page).getByText('There you are.').waitFor();
  const [first, second] = gateway.exchanges;
  expect(second!.wav.equals(first!.wav)).toBe(true);
  expect(first!.wav.length).toBeGreaterThan(10_000);
  expect(second!.headers['idempotency-key']).toBe(first!.headers['idempotency-key']);
  expect(second!.headers['x-session-id']).toBe(first!.headers['x-session-id']);
});

test('no speech heard: said in words, and nothing to retry', async () => {
  const { page } = await open(browser, gateway.url);
  gateway.script = (exchange) => (exchange.send({ type: 'turn.failed', code: 'no_speech', detail: '', retryable: false }), exchange.end());
  await holdToTalk(page);
  await log(page).getByText('No speech was heard').waitFor();
  expect(await page.getByRole('button', { name: /Retry|Edit/ }).count()).toBe(0);
});

test('a press while sound plays ends it, and the old answer with it', async () => {
  const { page } = await open(browser, gateway.url);
  gateway.script = (exchange) => exchange.send(...opening(exchange), { type: 'reply.delta', text: 'Long story' }, { type: 'stage', stage: 'speaking' }, audio(tone(20)));
  await holdToTalk(page);
  await eventually(() => probeOf(page), ({ starts }) => starts.length === 1);
  await pressAndListen(page);
  await gateway.exchanges[0]!.gone;
  expect((await probeOf(page)).stops).toBe(1);
  gateway.script = (exchange) => reply(exchange, 'Short.', tone(0.1));
  await elapse(page, 400);
  await page.mouse.up();
  await log(page).getByText('Short.').waitFor();
  expect((await eventually(() => probeOf(page), ({ starts }) => starts.length === 2)).starts[1]!.duration).toBeCloseTo(0.1, 3);
});

test.each(['Escape', 'a letter'])('%s silences the answer', async (key) => {
  const { page } = await open(browser, gateway.url);
  gateway.script = (exchange) => reply(exchange, 'Long story', tone(20));
  await holdToTalk(page);
  await eventually(() => probeOf(page), ({ starts }) => starts.length === 1);
  if (key === 'Escape') await page.keyboard.press('Escape');
  else await message(page).pressSequentially('x');
  await ended(page);
  expect((await probeOf(page)).stops).toBe(1);
});

test('eight presses in a burst: one turn at a time, and no answer of an old one is heard', async () => {
  const { page } = await open(browser, gateway.url);
  let running = 0;
  let most = 0;
  gateway.script = (exchange) => {
    most = Math.max(most, (running += 1));
    void exchange.gone.then(() => (running -= 1));
    exchange.send(...opening(exchange), { type: 'stage', stage: 'speaking' }, audio(tone(gateway.exchanges.length)));
  };
  await pressAndListen(page);
  for (let press = 0; press < 8; press += 1) {
    await elapse(page, press % 2 ? 40 : 320);
    await page.mouse.up();
    await elapse(page, press % 3 ? 20 : 350);
    await page.mouse.down();
  }
  await page.mouse.up();
  await page.keyboard.press('Escape'); // short presses lock: whatever the last one did ends here
  await pressAndListen(page);
  await elapse(page, 400);
  const before = gateway.exchanges.length;
  gateway.script = (exchange) => reply(exchange, 'The last answer.', tone(0.25));
  await page.mouse.up();
  await log(page).getByText('The last answer.').waitFor();
  expect(gateway.exchanges).toHaveLength(before + 1);
  await Promise.all(gateway.exchanges.slice(0, -1).map(({ gone }) => gone));
  expect(most).toBeLessThanOrEqual(2); // the gateway may see the end of one after the start of the next
  const { starts, stops } = await eventually(() => probeOf(page), ({ starts }) => Math.abs(starts.at(-1)!.duration - 0.25) < 0.01);
  expect(stops).toBe(starts.length - 1);
  await silent(page);
});

test('a press during the last 300 ms goes on with the same recording', async () => {
  const { page } = await open(browser, gateway.url);
  await pressAndListen(page);
  await elapse(page, 500);
  await page.mouse.up();
  await page.mouse.down();
  await elapse(page, 500);
  await page.mouse.up();
  const { wav } = await gateway.exchange(0);
  expect(heard(wav).seconds).toBeGreaterThan(1.1);
  await silent(page);
  expect(gateway.exchanges).toHaveLength(1);
});

test('a press that the system ends is kept, not sent', async () => {
  const { page } = await open(browser, gateway.url);
  await pressAndListen(page);
  await elapse(page, 400);
  await talkButton(page).dispatchEvent('pointercancel');
  await log(page).getByText('It was kept and not sent').waitFor();
  await page.mouse.up();
  expect(gateway.exchanges).toEqual([]);
  await page.getByRole('button', { name: 'Send it' }).click();
  expect(heard((await gateway.exchange(0)).wav).seconds).toBeGreaterThan(0.5);
});
