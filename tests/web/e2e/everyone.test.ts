/** The page in other languages, directions, sizes, colours and devices; and as a screen reader hears it. */

import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FakeGateway, audio, opening, reply, tone } from '../fakes/gateway.ts';
import { elapse, eventually, focused, holdToTalk, launch, listenIn, log, message, misplaced, open, pressAndListen, silent, status, tabTo, violations } from './browser.ts';

let browser: Browser;
let gateway: FakeGateway;
beforeAll(async () => void (browser = await launch()));
afterAll(() => browser.close());
beforeEach(async () => void (gateway = await new FakeGateway().start()));
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
  await gateway.stop();
});

test('what a screen reader says of a whole spoken turn, and what it finds afterwards', async () => {
  const { page } = await open(browser, gateway.url, { viewport: { width: 360, height: 640 } });
  const said = await listenIn(page);
  const step = (name: string) => eventually(() => status(page).textContent(), (text) => text === name);
  gateway.script = (exchange) => exchange.send({ type: 'turn.started', turn_id: 't', session_id: exchange.headers['x-session-id'], agent: 'assistant' }, { type: 'stage', stage: 'transcribing' });
  await holdToTalk(page);
  await step('Transcribing');
  const exchange = await gateway.exchange(0);
  exchange.send({ type: 'transcript', text: 'What is the time?', final: true }, { type: 'stage', stage: 'thinking' });
  await step('Thinking');
  exchange.send({ type: 'tool.started', call_id: '1', name: 'clock' });
  await step('Asking clock');
  exchange.send({ type: 'tool.completed', call_id: '1', name: 'clock', outcome: 'ok' });
  for (const text of ['It ', 'is ', '**ten**.']) exchange.send({ type: 'reply.delta', text });
  exchange.send({ type: 'stage', stage: 'speaking' }, audio(tone(0.3)));
  await step('Speaking');
  exchange.send({ type: 'turn.completed', reply: 'It is **ten**.' });
  exchange.end();
  await silent(page);
  gateway.script = (next) => next.problem(502, { code: 'provider_failed', retryable: true });
  await message(page).fill('And in Kyoto?');
  await message(page).press('Enter');
  await page.getByRole('button', { name: 'Retry' }).waitFor();
  expect((await said()).filter((line) => line !== 'status: Opening the microphone' && line !== 'status: Sending')).toEqual([
    'status: Listening',
    'status: Transcribing',
    'status: Thinking',
    'status: Asking clock',
    'status: Thinking',
    'status: Speaking',
    'status: Answer complete',
    'alert: The model or speech service failed. It may work on the next try.',
  ]);
  expect(await page.locator('main').ariaSnapshot()).toMatchInlineSnapshot(`
    "- main:
      - log "Conversation":
        - article:
          - text: "You: What is the time?"
          - list:
            - listitem: Asked clock
          - text: "assistant:"
          - paragraph:
            - text: It is
            - strong: ten
            - text: .
        - article:
          - text: "You: And in Kyoto?"
          - paragraph: The model or speech service failed. It may work on the next try.
          - paragraph: Request req-1
          - button "Retry""
  `);
});

describe('by keyboard alone', () => {
  test('an agent is chosen in the sheet, a language set in the settings; focus returns to where it was', async () => {
    const { page } = await open(browser, gateway.url, { viewport: { width: 360, height: 640 } });
    await tabTo(page, 'assistant');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Agents and conversations' }).waitFor();
    await page.keyboard.press('Tab');
    for (let steps = 0; (await page.evaluate(() => document.activeElement?.tagName)) !== 'INPUT'; steps += 1) {
      expect(steps).toBeLessThan(3);
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Escape');
    expect(await focused(page)).toContain('viva-examiner');
    await tabTo(page, 'Settings');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Settings' }).waitFor();
    for (let steps = 0; (await page.evaluate(() => document.activeElement?.tagName)) !== 'SELECT'; steps += 1) {
      expect(steps).toBeLessThan(3);
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('k'); // Kannada
    await page.keyboard.press('Escape');
    expect(await focused(page)).toBe('Settings');
    await page.locator('#message').focus();
    await page.keyboard.type('one');
    await page.keyboard.press('Enter');
    await log(page).getByText('Hello.').waitFor();
    expect((await gateway.exchange(0)).json.agent_name).toBe('viva-examiner');
    expect(await log(page).locator('[lang=kn]').count()).toBe(2);
  });
});

describe('languages', () => {
  test.each([
    ['kn-IN', 'kn', 'ಒತ್ತಿಹಿಡಿದು ಮಾತನಾಡಿ', 'ಪ್ರಯತ್ನಿಸಿ', 'ಸೆಟ್ಟಿಂಗ್‌ಗಳು'],
    ['hi-IN', 'hi', 'दबाए रखकर बोलें', 'फिर कोशिश करें', 'सेटिंग'],
  ])('%s: the page speaks it, fits, and can be told to speak English', async (locale, lang, hold, retry, settings) => {
    const { page, errors } = await open(browser, gateway.url, { locale, viewport: { width: 320, height: 640 } });
    expect(await page.evaluate(() => document.documentElement.lang)).toBe(lang);
    await page.getByRole('button', { name: hold }).waitFor();
    gateway.script = (exchange) => exchange.problem(503, { code: 'draining', retryable: true });
    await page.locator('#message').fill('one');
    await page.locator('#message').press('Enter');
    await page.getByRole('button', { name: retry }).waitFor();
    expect(await misplaced(page)).toEqual([]);
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: settings }).click();
    expect(await misplaced(page)).toEqual([]);
    await page.locator('dialog[open] select').last().selectOption('en');
    await page.getByRole('heading', { name: 'Settings' }).waitFor();
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('en');
    await page.reload();
    await page.getByRole('button', { name: 'Hold to talk' }).waitFor();
    expect(errors).toEqual([]);
  });

  test('the language of speech is this conversation’s: it goes with the recording and marks the words', async () => {
    const { page } = await open(browser, gateway.url);
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByLabel('Language that you speak').selectOption('hi');
    await page.keyboard.press('Escape');
    await holdToTalk(page);
    await log(page).getByText('Hello.').waitFor();
    expect((await gateway.exchange(0)).url.searchParams.get('language')).toBe('hi');
    expect(await log(page).locator('[lang=hi]').allTextContents()).toEqual(['What is the time?', 'Hello.']);
    await silent(page);
    await page.getByRole('button', { name: 'New conversation' }).click();
    await holdToTalk(page);
    expect((await gateway.exchange(1)).url.searchParams.get('language')).toBeNull();
  });

  test('text runs in its own direction, and the page fits when it runs from right to left', async () => {
    const { page } = await open(browser, gateway.url, { viewport: { width: 320, height: 640 } });
    gateway.script = (exchange) => reply(exchange, 'ثلاثة أيام تكفي.');
    await message(page).fill('كم يوما؟');
    await message(page).press('Enter');
    await log(page).getByText('ثلاثة أيام تكفي.').waitFor();
    expect(await log(page).locator('p').first().evaluate((one) => getComputedStyle(one).direction)).toBe('rtl');
    await page.evaluate(() => (document.documentElement.dir = 'rtl'));
    expect(await misplaced(page)).toEqual([]);
    const left = (selector: string) => page.locator(selector).evaluate((one) => one.getBoundingClientRect().left);
    expect(await left('.talk-button')).toBeLessThan(await left('.field'));
  });
});

describe('sizes and colours', () => {
  test('at 320 px the sheets fit, with everything in them', async () => {
    const { page } = await open(browser, gateway.url, { viewport: { width: 320, height: 640 }, colorScheme: 'dark' });
    for (const text of ['one', 'two']) {
      await message(page).fill(text);
      await message(page).press('Enter');
      await log(page).getByText('Hello.').waitFor();
      await page.getByRole('button', { name: 'New conversation' }).click();
    }
    await page.getByRole('button', { name: 'Agents and conversations' }).click();
    await page.locator('dialog[open]').getByRole('button', { name: 'Clear history' }).click();
    expect(await misplaced(page)).toEqual([]);
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Settings' }).click();
    expect(await misplaced(page)).toEqual([]);
    expect(await violations(page)).toEqual([]);
  });

  test('at 400 % zoom nothing is lost and only one direction scrolls', async () => {
    const { page } = await open(browser, gateway.url, { viewport: { width: 320, height: 256 } });
    gateway.script = (exchange) => reply(exchange, 'word '.repeat(200));
    await message(page).fill('Tell me more');
    await message(page).press('Enter');
    await log(page).getByText('word').first().waitFor();
    expect(await misplaced(page)).toEqual([]);
    await page.getByRole('button', { name: 'Send' }).scrollIntoViewIfNeeded();
    expect(await page.locator('.talk-button').evaluate((one) => one.getBoundingClientRect().bottom <= innerHeight)).toBe(true);
    await log(page).getByText('Tell me more').scrollIntoViewIfNeeded();
    expect(await violations(page)).toEqual([]);
  });

  test('an on-screen keyboard leaves the field and its buttons in sight', async () => {
    const { page } = await open(browser, gateway.url, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
    await message(page).tap();
    await page.setViewportSize({ width: 360, height: 420 }); // interactive-widget=resizes-content
    const box = (await message(page).boundingBox())!;
    expect(box.y + box.height).toBeLessThanOrEqual(420);
    expect(await misplaced(page)).toEqual([]);
  });

  test('less motion, more contrast and forced colours are obeyed', async () => {
    const { page } = await open(browser, gateway.url, { reducedMotion: 'reduce', forcedColors: 'active', contrast: 'more' });
    gateway.script = (exchange) => exchange.send(...opening(exchange));
    await message(page).fill('one');
    await message(page).press('Enter');
    await eventually(() => status(page).textContent(), (text) => text === 'Thinking');
    const style = (selector: string, name: 'animationName' | 'borderTopStyle') => page.locator(selector).first().evaluate((one, what) => getComputedStyle(one)[what], name);
    expect(await style('.pulse i', 'animationName')).toBe('none');
    for (const selector of ['.talk-button', '.field', '.stop', '.agent[data-chosen=true]']) expect(await style(selector, 'borderTopStyle'), selector).toBe('solid');
    await page.emulateMedia({ reducedMotion: 'no-preference', forcedColors: 'none' });
    expect(await style('.pulse i', 'animationName')).toBe('bar');
    expect(await violations(page)).toEqual([]);
  });
});

test('the page can be installed', async () => {
  const { page } = await open(browser, gateway.url);
  const session = await page.context().newCDPSession(page);
  const { errors, data } = (await session.send('Page.getAppManifest')) as { errors: unknown[]; data?: string };
  expect(errors).toEqual([]);
  const { icons, display } = JSON.parse(data!) as { icons: { src: string; sizes: string }[]; display: string };
  expect(display).toBe('standalone');
  for (const { src, sizes } of icons) {
    const png = Buffer.from(await (await page.request.get(new URL(src, gateway.url).href)).body());
    expect(`${png.readUInt32BE(16)}x${png.readUInt32BE(20)}`).toBe(sizes);
  }
  const { installabilityErrors } = (await session.send('Page.getInstallabilityErrors' as 'Page.enable')) as unknown as { installabilityErrors: { errorId: string }[] };
  expect(installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== 'in-incognito')).toEqual([]);
});

test('the microphone can be chosen, is opened as chosen, and its loudness shows', async () => {
  const before = async (page: Page) => {
    await page.addInitScript(() => {
      const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      const asked: unknown[] = [];
      Object.assign(globalThis, { asked });
      navigator.mediaDevices.getUserMedia = (constraints) => {
        asked.push((constraints?.audio as MediaTrackConstraints).deviceId);
        return real(constraints);
      };
    });
  };
  const { page } = await open(browser, gateway.url, { before });
  await pressAndListen(page);
  await eventually(
    () => page.locator('.dock').evaluate((dock) => Number(dock.style.getPropertyValue('--level'))),
    (level) => level > 0.2,
  );
  await elapse(page, 300);
  await page.mouse.up();
  await silent(page);
  await page.getByRole('button', { name: 'Settings' }).click();
  const choice = page.getByLabel('Microphone');
  const options = await eventually(() => choice.locator('option').evaluateAll((all) => all.map((one) => [(one as HTMLOptionElement).value, one.textContent])), (all) => all.length > 1);
  const [id] = options.at(-1)!;
  await choice.selectOption(id!);
  await page.keyboard.press('Escape');
  await holdToTalk(page);
  await gateway.exchange(1);
  expect(await page.evaluate(() => (globalThis as unknown as { asked: unknown[] }).asked)).toEqual([undefined, { ideal: id }]);
  await page.reload();
  await page.getByRole('button', { name: 'Settings' }).click();
  await eventually(() => choice.inputValue(), (value) => value === id);
});
