/** Pictures of the page for people to look at: `npm run screenshots`, then test-results/web/. Asserts nothing. */

import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, test } from 'vitest';
import { FakeGateway, audio, opening, reply, tone } from './fakes/gateway.ts';
import { elapse, launch, log, message, open, pressAndListen } from './e2e/browser.ts';

const folder = fileURLToPath(new URL('../../test-results/web/', import.meta.url));
const REPLY =
  'Kyoto in three days works well if you stay near **Gion** and start early.\n\n1. **Day one**: Fushimi Inari at sunrise, then Tofuku-ji.\n2. **Day two**: Arashiyama, the bamboo grove and the river.\n3. **Day three**: Nishiki market and the `Philosopher’s Path`.\n\nShall I look for trains?';
let browser: Browser;
let gateway: FakeGateway;

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  [browser, gateway] = await Promise.all([launch(), new FakeGateway().start()]);
});
afterAll(async () => {
  await browser.close();
  await gateway.stop();
});

const LOOKS = [
  { name: 'light', colorScheme: 'light', viewport: { width: 1200, height: 780 } },
  { name: 'dark', colorScheme: 'dark', viewport: { width: 1200, height: 780 } },
  { name: 'narrow', colorScheme: 'light', viewport: { width: 320, height: 640 } },
  { name: 'narrow-dark', colorScheme: 'dark', viewport: { width: 320, height: 640 } },
] as const;

const LANGUAGES = [
  ['kn', 'ಕ್ಯೋಟೋದಲ್ಲಿ ಮೂರು ದಿನ', 'ಗಿಯೋನ್ ಹತ್ತಿರ ಉಳಿದರೆ **ಮೂರು ದಿನ** ಸಾಕು.'],
  ['hi', 'क्योटो में तीन दिन', 'गिओन के पास ठहरें तो **तीन दिन** काफ़ी हैं।'],
  ['ar', 'ثلاثة أيام في كيوتو', 'ثلاثة أيام في كيوتو تكفي إذا أقمت قرب **غيون**.'],
] as const;

test.each(LANGUAGES)('%s', async (locale, question, answer) => {
  const { page } = await open(browser, gateway.url, { locale, viewport: { width: 360, height: 640 }, deviceScaleFactor: 2 });
  await page.screenshot({ path: `${folder}${locale}-1-welcome.png` });
  gateway.script = (exchange) => reply(exchange, answer);
  await page.locator('#message').fill(question);
  await page.locator('#message').press('Enter');
  await log(page).locator('strong').waitFor();
  await page.screenshot({ path: `${folder}${locale}-2-reply.png` });
  await page.context().close();
});

for (const { name, ...options } of LOOKS) {
  test(name, async () => {
    const { page } = await open(browser, gateway.url, { ...options, deviceScaleFactor: options.viewport.width < 400 ? 2 : 1 });
    const shoot = (what: string) => page.screenshot({ path: `${folder}${name}-${what}.png` });
    await shoot('1-welcome');
    gateway.script = (exchange) => reply(exchange, REPLY);
    await message(page).fill('Plan three days in Kyoto, please. I like gardens and quiet places.');
    await message(page).press('Enter');
    await log(page).getByText('Shall I look').waitFor();
    await shoot('2-reply');
    await pressAndListen(page);
    await elapse(page, 400);
    await shoot('3-listening');
    gateway.script = (exchange) => {
      exchange.send(...opening(exchange, 'And where should I eat?'), { type: 'tool.started', call_id: '1', name: 'local-guide' });
      exchange.send({ type: 'tool.completed', call_id: '1', name: 'local-guide', outcome: 'ok' });
      exchange.send({ type: 'reply.delta', text: 'Near Gion, try the small places along Pontocho.' }, { type: 'stage', stage: 'speaking' }, audio(tone(2)));
    };
    await page.mouse.up();
    await log(page).getByText('Pontocho').waitFor();
    await elapse(page, 4000);
    await shoot('4-speaking');
    await page.keyboard.press('Escape');
    gateway.script = (exchange) => exchange.problem(503, { code: 'provider_busy', detail: 'Busy.', retryable: true }, { 'Retry-After': '20' });
    await message(page).fill('What about the evenings?');
    await message(page).press('Enter');
    await log(page).getByText('is very busy').waitFor();
    await shoot('5-error');
    await page.getByRole('button', { name: 'New conversation' }).click();
    gateway.script = (exchange) => reply(exchange, 'Hello.');
    await message(page).fill('A second conversation with a title that is far too long for the list that it stands in');
    await message(page).press('Enter');
    await log(page).getByText('Hello.').waitFor();
    await page.context().setOffline(true);
    await page.getByLabel('Send by itself when back').check();
    await message(page).fill('Is there a train tonight?');
    await message(page).press('Enter');
    await log(page).getByText('Waits for the network').waitFor();
    await shoot('6-offline');
    await page.context().setOffline(false);
    if (options.viewport.width < 400) {
      await page.getByRole('button', { name: 'Agents and conversations' }).click();
      await shoot('7-sheet');
      await page.locator('dialog[open] .history').scrollIntoViewIfNeeded();
      await page.getByRole('button', { name: 'Clear history' }).click();
      await shoot('7-sheet-history');
      await page.keyboard.press('Escape');
    }
    await page.getByRole('button', { name: 'Settings' }).click();
    await shoot('8-settings');
    await page.keyboard.press('Escape');
    await page.context().close();
    gateway.key = 'secret';
    const { page: stranger } = await open(browser, gateway.url, { ...options, ready: '.sign-in' });
    await stranger.screenshot({ path: `${folder}${name}-9-sign-in.png` });
    await stranger.context().close();
    gateway.key = null;
  });
}
