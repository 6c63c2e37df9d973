/** What is kept: conversations over reloads, tabs and lost networks; and what is not. */

import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { FakeGateway, opening, reply } from '../fakes/gateway.ts';
import { elapse, eventually, holdToTalk, launch, log, message, open, status, violations } from './browser.ts';

let browser: Browser;
let gateway: FakeGateway;
beforeAll(async () => void (browser = await launch()));
afterAll(() => browser.close());
beforeEach(async () => void (gateway = await new FakeGateway().start()));
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
  await gateway.stop();
});

const ask = async (page: Page, text: string, answer?: string) => {
  if (answer) gateway.script = (exchange) => reply(exchange, answer);
  await message(page).fill(text);
  await message(page).press('Enter');
  if (answer) await log(page).getByText(answer).waitFor();
};
const side = (page: Page) => page.locator('aside .history');
const titles = (page: Page) => side(page).locator('.kept-title').allTextContents();
const another = async (page: Page): Promise<Page> => {
  const tab = await page.context().newPage();
  tab.setDefaultTimeout(8_000);
  await tab.goto(gateway.url);
  await tab.locator('.agent').first().waitFor({ state: 'attached' });
  return tab;
};

test('a reload keeps the conversation, its session and a draft; older ones can be found, opened, deleted', async () => {
  const { page, errors } = await open(browser, gateway.url);
  await ask(page, 'Trains to Kyoto', 'From Osaka.');
  await page.getByRole('button', { name: 'New conversation' }).click();
  await ask(page, 'Best noodles', 'Near Gion.');
  await message(page).fill('half a thought');
  await eventually(() => titles(page), (all) => all.length === 2);
  await page.reload();
  await log(page).getByText('Near Gion.').waitFor();
  expect(await message(page).inputValue()).toBe('half a thought');
  await ask(page, 'And tea?', 'In Uji.');
  expect((await gateway.exchange(2)).headers['x-session-id']).toBe(gateway.exchanges[1]!.headers['x-session-id']);
  expect(await titles(page)).toEqual(['Best noodles', 'Trains to Kyoto']);
  await side(page).getByRole('searchbox', { name: 'Search conversations' }).fill('osaka');
  await eventually(() => titles(page), (all) => all.join() === 'Trains to Kyoto');
  expect(await violations(page)).toEqual([]);
  await side(page).getByRole('button', { name: /^Trains to Kyoto/ }).click();
  await log(page).getByText('From Osaka.').waitFor();
  await side(page).getByRole('searchbox').fill('');
  await side(page).getByRole('button', { name: 'Delete “Trains to Kyoto”' }).click();
  await eventually(() => titles(page), (all) => all.join() === 'Best noodles');
  expect(await log(page).textContent()).toBe('');
  expect(await page.evaluate(() => document.activeElement?.className)).toBe('history');
  await side(page).getByRole('button', { name: 'Clear history' }).click();
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Cancel');
  await side(page).getByRole('button', { name: 'Delete all' }).click();
  await side(page).getByText('is kept here, on this device only').waitFor();
  await page.reload();
  await side(page).getByText('is kept here, on this device only').waitFor();
  expect(errors).toEqual([]);
});

test('two tabs: each has its own conversation, and in the same one neither undoes the other', async () => {
  const { page } = await open(browser, gateway.url);
  await ask(page, 'from the first tab', 'First.');
  const tab = await another(page);
  expect(await log(tab).textContent()).toBe('');
  await side(tab).getByRole('button', { name: /^from the first tab/ }).click();
  await ask(tab, 'from the second tab', 'Second.');
  await log(page).getByText('Second.').waitFor();
  await ask(page, 'again from the first', 'Third.');
  await log(tab).getByText('Third.').waitFor();
  await tab.reload();
  await eventually(() => tab.locator('.said').allTextContents(), (all) => all.length === 3);
  expect((await tab.locator('.said').allTextContents()).map((text) => text.replace('You: ', ''))).toEqual(['from the first tab', 'from the second tab', 'again from the first']);
  await side(tab).getByRole('button', { name: /^Delete/ }).click();
  await eventually(() => status(page).textContent(), (text) => text!.includes('deleted in another tab'));
  expect(await log(page).textContent()).toBe('');
});

test('without storage everything works and the page says that nothing is kept', async () => {
  const before = async (page: Page) => {
    await page.addInitScript(() => {
      const refuse = { get: () => { throw new DOMException('no', 'SecurityError'); } };
      for (const name of ['indexedDB', 'localStorage', 'sessionStorage']) Object.defineProperty(globalThis, name, refuse);
    });
  };
  const { page, errors } = await open(browser, gateway.url, { before });
  await side(page).getByText('This browser keeps nothing').waitFor();
  await ask(page, 'one', 'Hello.');
  await page.getByRole('button', { name: 'New conversation' }).click();
  await ask(page, 'two', 'Hi.');
  expect(await titles(page)).toEqual(['two', 'one']);
  await side(page).getByRole('button', { name: /^one/ }).click();
  await log(page).getByText('Hello.').waitFor();
  expect(await violations(page)).toEqual([]);
  expect(errors).toEqual([]);
});

test('offline: what is typed stays, or waits by choice, and goes when the network is back', async () => {
  const { page } = await open(browser, gateway.url);
  await page.context().setOffline(true);
  await page.getByText('You are offline.').first().waitFor();
  await ask(page, 'one');
  await page.locator('.hint', { hasText: 'What you wrote stays here' }).waitFor();
  expect(await message(page).inputValue()).toBe('one');
  await page.getByLabel('Send by itself when back').check();
  await message(page).press('Enter');
  await log(page).getByText('Waits for the network').waitFor();
  await holdToTalk(page);
  await eventually(() => log(page).getByText('Waits for the network').count(), (count) => count === 2);
  await ask(page, 'not this one');
  await eventually(() => log(page).getByText('Waits for the network').count(), (count) => count === 3);
  await page.getByRole('button', { name: 'Do not send' }).last().click();
  expect(await violations(page)).toEqual([]);
  expect(gateway.exchanges).toEqual([]);
  await page.context().setOffline(false);
  await eventually(() => log(page).getByText('Hello.').count(), (count) => count === 2);
  expect(gateway.exchanges.map(({ kind, json }) => json.text ?? kind)).toEqual(['one', 'voice']);
  expect(await page.getByText('You are offline.').count()).toBe(0);
});

test('a gateway on a machine that lost its network is not offline', async () => {
  const { page } = await open(browser, gateway.url);
  await page.evaluate(() => dispatchEvent(new Event('offline')));
  await page.getByText('You are offline.').first().waitFor({ state: 'detached' });
  await ask(page, 'one', 'Hello.');
});

test('a turn that is cut by a reload is kept with its recording and can be sent again', async () => {
  const { page } = await open(browser, gateway.url);
  gateway.script = (exchange) => exchange.send(...opening(exchange), { type: 'reply.delta', text: 'Half an' });
  await holdToTalk(page);
  await log(page).getByText('Half an').waitFor();
  await elapse(page, 700); // longer than the pace of saving
  await page.reload();
  await log(page).getByText('The page was closed before').waitFor();
  expect(await log(page).textContent()).toContain('Half an');
  gateway.script = (exchange) => reply(exchange, 'A whole answer.');
  await page.getByRole('button', { name: 'Retry' }).click();
  await log(page).getByText('A whole answer.').waitFor();
  const [first, second] = gateway.exchanges;
  expect(second!.wav.equals(first!.wav)).toBe(true);
  expect(second!.headers['idempotency-key']).toBe(first!.headers['idempotency-key']);
});

test('the gateway goes away in the middle of an answer and comes back: Retry succeeds', async () => {
  const { page } = await open(browser, gateway.url);
  gateway.script = (exchange) => exchange.send(...opening(exchange), { type: 'reply.delta', text: 'Half an' });
  await ask(page, 'one');
  await log(page).getByText('Half an').waitFor();
  const { port } = gateway;
  await gateway.stop();
  await page.getByText('Talk cannot be reached. Trying again').first().waitFor();
  await page.getByRole('button', { name: 'Send when back online' }).click();
  await log(page).getByText('Waits for the network').waitFor();
  gateway = await new FakeGateway().start(port);
  await log(page).getByText('Hello.').waitFor(); // by itself, when the agents are found again
  expect(await page.getByText('Talk cannot be reached').count()).toBe(0);
});

test('where a key is asked for, it goes into a header only, and stays in the tab only by choice', async () => {
  gateway.key = 'the right key';
  const { page } = await open(browser, gateway.url, { ready: '.sign-in' });
  expect(await violations(page)).toEqual([]);
  const urls: string[] = [];
  page.on('request', (request) => urls.push(request.url()));
  const signIn = async (key: string, keep: boolean) => {
    await page.getByLabel('API key').fill(key);
    await page.getByLabel('Keep it until').setChecked(keep);
    await page.getByLabel('API key').press('Enter');
  };
  await signIn('a wrong key', false);
  await eventually(() => page.getByRole('alert').textContent(), (text) => text!.startsWith('This key was not accepted'));
  expect(await violations(page)).toEqual([]);
  await signIn('the right key', false);
  await page.locator('.agent').first().waitFor({ state: 'attached' });
  await ask(page, 'one', 'Hello.');
  const stored = () => page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }));
  expect(await stored()).not.toContain('right key');
  await page.reload();
  await signIn('the right key', true);
  await page.reload();
  await log(page).getByText('Hello.').waitFor();
  gateway.key = 'another key'; // the old one is revoked
  await ask(page, 'two');
  await log(page).getByText('You need to sign in').waitFor();
  await signIn('another key', true);
  await page.getByRole('button', { name: 'Retry' }).click();
  await eventually(() => log(page).getByText('Hello.').count(), (count) => count === 2);
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(await stored()).not.toContain('another key');
  expect(urls.filter((url) => url.includes('key'))).toEqual([]);
});

test('a conversation is saved as a file, as text and as JSON', async () => {
  const { page } = await open(browser, gateway.url);
  await ask(page, 'Trains to Kyoto?', 'From Osaka.');
  await page.getByRole('button', { name: 'Settings' }).click();
  expect(await violations(page)).toEqual([]);
  const saved = async (name: string) => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name }).click()]);
    return [download.suggestedFilename(), readFileSync(await download.path(), 'utf8')] as const;
  };
  expect(await saved('Save as text')).toEqual(['Trains-to-Kyoto.txt', 'You: Trains to Kyoto?\n\nassistant: From Osaka.\n']);
  const [name, json] = await saved('Save as JSON');
  expect(name).toBe('Trains-to-Kyoto.json');
  expect(JSON.parse(json)).toMatchObject({ agent: 'assistant', turns: [{ text: 'Trains to Kyoto?', reply: 'From Osaka.', status: 'done' }] });
});
