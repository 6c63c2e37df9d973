/** Typing: what people see and what the gateway gets. */

import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AGENTS, FakeGateway, opening, reply } from '../fakes/gateway.ts';
import { alert, eventually, launch, log, message, misplaced, open, status, violations } from './browser.ts';

let browser: Browser;
let gateway: FakeGateway;
beforeAll(async () => void (browser = await launch()));
afterAll(() => browser.close());
beforeEach(async () => void (gateway = await new FakeGateway().start()));
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
  await gateway.stop();
});

const ask = async (page: Parameters<typeof message>[0], text: string) => {
  await message(page).fill(text);
  await message(page).press('Enter');
};

test('a typed question gets a streamed reply', async () => {
  const { page, errors } = await open(browser, gateway.url);
  gateway.script = (exchange) => exchange.send(...opening(exchange), { type: 'reply.delta', text: 'It is **ten' });
  await ask(page, 'What is the time?');
  await log(page).getByText('It is **ten').waitFor();
  expect(await status(page).textContent()).toBe('Thinking');
  const exchange = await gateway.exchange(0);
  expect(exchange.json).toEqual({
    text: 'What is the time?',
    mode: 'agent',
    agent_name: 'assistant',
    session_id: exchange.headers['x-session-id'],
    stream: true,
  });
  expect(exchange.headers).toMatchObject({ accept: 'text/event-stream', 'content-type': 'application/json' });
  expect(exchange.headers['idempotency-key']).toMatch(/^[0-9a-f]{32}$/);
  exchange.send({ type: 'reply.delta', text: '** o’clock.' }, { type: 'turn.completed', reply: 'It is **ten** o’clock.' });
  exchange.end();
  await log(page).locator('strong', { hasText: 'ten' }).waitFor();
  await eventually(() => status(page).textContent(), (text) => text === 'assistant: It is ten o’clock.');
  expect(await message(page).inputValue()).toBe('');
  expect(errors).toEqual([]);
});

test('one conversation is one session; a new one is another and starts empty', async () => {
  const { page } = await open(browser, gateway.url);
  await ask(page, 'one');
  await log(page).getByText('Hello.').waitFor();
  await ask(page, 'two');
  await eventually(() => log(page).getByText('Hello.').count(), (count) => count === 2);
  await page.getByRole('button', { name: 'New conversation' }).click();
  expect(await log(page).textContent()).toBe('');
  await ask(page, 'three');
  await gateway.exchange(2);
  const [first, second, third] = gateway.exchanges.map(({ headers }) => [headers['x-session-id'], headers['idempotency-key']]);
  expect(first![0]).toBe(second![0]);
  expect(third![0]).not.toBe(first![0]);
  expect(new Set([first![1], second![1], third![1]]).size).toBe(3);
});

test('agents show what they are, whether they are ready and why not; another agent is another conversation', async () => {
  const { page } = await open(browser, gateway.url);
  const planner = page.locator('aside').getByRole('radio', { name: 'travel-planner' });
  expect(await planner.evaluate((radio) => document.getElementById(radio.getAttribute('aria-describedby') ?? '')?.textContent)).toBe(
    'Plans a trip day by day.The model does not answer.Voice and text · English',
  );
  await ask(page, 'one');
  await log(page).getByText('Hello.').waitFor();
  await page.locator('aside').getByRole('radio', { name: 'clerk' }).check();
  expect(await status(page).textContent()).toContain('each agent remembers only');
  expect(await page.getByRole('button', { name: 'Hold to talk' }).count()).toBe(0);
  await ask(page, 'two');
  const second = await gateway.exchange(1);
  expect(second.json.agent_name).toBe('clerk');
  expect(second.headers['x-session-id']).not.toBe(gateway.exchanges[0]!.headers['x-session-id']);
});

test('Stop ends the request; what was answered stays', async () => {
  const { page } = await open(browser, gateway.url);
  gateway.script = (exchange) => exchange.send(...opening(exchange), { type: 'reply.delta', text: 'Once upon a time' });
  await ask(page, 'Tell me a story');
  await log(page).getByText('Once upon a time').waitFor();
  const stop = page.getByRole('button', { name: 'Stop' });
  await stop.focus();
  await stop.press('Enter');
  await (await gateway.exchange(0)).gone;
  expect(await log(page).textContent()).toContain('Once upon a time');
  expect(await log(page).textContent()).toContain('Stopped');
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('message');
});

test('a question during an answer ends that answer; nothing of it arrives later', async () => {
  const { page } = await open(browser, gateway.url);
  gateway.script = (exchange) => exchange.send(...opening(exchange), { type: 'reply.delta', text: 'slow' });
  await ask(page, 'one');
  await log(page).getByText('slow').waitFor();
  gateway.script = (exchange) => reply(exchange, 'quick');
  await ask(page, 'two');
  await log(page).getByText('quick').waitFor();
  await gateway.exchanges[0]!.gone;
  expect(await page.locator('.turn').allTextContents()).toEqual(['You: oneassistant: slowStopped', 'You: twoassistant: quick']);
});

describe('failures', () => {
  const retried = [
    [409, 'session_busy', 'Another answer is still being written'],
    [429, 'rate_limited', 'Too much was asked at once'],
    [502, 'provider_failed', 'The model or speech service failed'],
    [503, 'draining', 'Talk is restarting'],
    [504, 'deadline', 'Request took too long; please try again'],
  ] as const;
  test('that may pass are put in plain words, and Retry sends the same turn', async () => {
    const { page } = await open(browser, gateway.url);
    for (const [httpStatus, code, words] of retried) {
      gateway.exchanges = [];
      gateway.script = (exchange) => exchange.problem(httpStatus, { code, detail: 'x', retryable: true });
      await ask(page, 'one');
      await log(page).getByText(words).waitFor();
      expect(await alert(page).textContent()).toContain(words);
      gateway.script = (exchange) => reply(exchange, 'There you are.');
      await page.getByRole('button', { name: 'Retry' }).click();
      await log(page).getByText('There you are.').waitFor();
      const [first, second] = gateway.exchanges;
      expect(second!.json).toEqual(first!.json);
      expect(second!.headers['idempotency-key']).toBe(first!.headers['idempotency-key']);
      expect(await log(page).textContent()).not.toContain(words);
      expect(await alert(page).textContent()).toBe('');
      await page.getByRole('button', { name: 'New conversation' }).click();
    }
  });

  const final = [
    [400, 'invalid_request', 'The text is too long.'],
    [404, 'unknown_agent', 'This agent is gone'],
    [413, 'too_large', 'This is too long to send'],
    [500, 'internal', 'Something went wrong inside Talk'],
  ] as const;
  test('that will not pass offer the text for a change, not Retry', async () => {
    const { page } = await open(browser, gateway.url);
    for (const [httpStatus, code, words] of final) {
      gateway.script = (exchange) => exchange.problem(httpStatus, { code, detail: 'The text is too long.', retryable: false });
      await ask(page, 'one');
      await log(page).getByText(words).waitFor();
      expect(await page.getByRole('button', { name: 'Retry' }).count()).toBe(0);
      await page.getByRole('button', { name: 'Edit' }).click();
      expect(await message(page).inputValue()).toBe('one');
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('message');
      await page.getByRole('button', { name: 'New conversation' }).click();
    }
  });

  const paused = [
    [429, 'rate_limited', 'Too much was asked at once'],
    [503, 'circuit_open', 'keeps failing'],
    [503, 'provider_busy', 'is very busy'],
    [503, 'overloaded', 'all the conversations it can take'],
    [503, 'agent_not_ready', 'The agent is not ready yet'],
    [503, 'draining', 'Talk is restarting'],
    [503, 'unavailable', 'Talk is not available right now'],
  ] as const;
  test('Retry-After counts down, whoever asks for the pause', async () => {
    const { page } = await open(browser, gateway.url, { before: (page) => page.clock.install() });
    for (const [httpStatus, code, words] of paused) {
      gateway.exchanges = [];
      gateway.script = (exchange) => exchange.problem(httpStatus, { code, retryable: true }, { 'Retry-After': '5' });
      await ask(page, 'one');
      await log(page).getByText(words).waitFor();
      const waiting = page.getByRole('button', { name: /Retry in \d s/ });
      await waiting.click({ force: true });
      expect(gateway.exchanges).toHaveLength(1);
      await page.clock.runFor(6_000);
      gateway.script = (exchange) => reply(exchange, 'There you are.');
      await page.getByRole('button', { name: 'Retry', exact: true }).click();
      await log(page).getByText('There you are.').waitFor();
      await page.getByRole('button', { name: 'New conversation' }).click();
    }
    gateway.script = (exchange) => (exchange.send(...opening(exchange), { type: 'turn.failed', code: 'circuit_open', detail: '', retryable: true, retry_after: 5 }), exchange.end());
    await ask(page, 'one');
    await page.getByRole('button', { name: /Retry in \d s/ }).waitFor();
  });

  const broken: [string, (exchange: Parameters<FakeGateway['script']>[0]) => void, string][] = [
    ['the stream is cut', (exchange) => (exchange.send(...opening(exchange)), exchange.end()), 'The connection broke'],
    ['the connection is reset', (exchange) => exchange.reset(), 'Talk cannot be reached'],
    ['a proxy answers with its own page', (exchange) => exchange.problem(502, {}, { 'Content-Type': 'text/html' }), 'The model or speech service failed'],
    ['the stream is not what it should be', (exchange) => (exchange.raw('event: reply.delta\ndata: {"text":\n\n'), exchange.end()), 'could not be read'],
    ['the turn fails', (exchange) => (exchange.send({ type: 'turn.failed', code: 'empty_reply', detail: '', retryable: true }), exchange.end()), 'The agent had no answer'],
  ];
  test('of every kind keep the question and offer Retry', async () => {
    const { page } = await open(browser, gateway.url);
    for (const [what, script, words] of broken) {
      gateway.script = script;
      await ask(page, what);
      await log(page).getByText(words).waitFor();
      expect(await log(page).textContent()).toContain(what);
      gateway.script = (exchange) => reply(exchange, 'There you are.');
      await page.getByRole('button', { name: 'Retry' }).click();
      await log(page).getByText('There you are.').waitFor();
      await page.getByRole('button', { name: 'New conversation' }).click();
    }
  });

  test('offline is named, and Retry works when the network is back', async () => {
    const { page } = await open(browser, gateway.url);
    gateway.script = (exchange) => exchange.send(...opening(exchange), { type: 'reply.delta', text: 'Once' });
    await ask(page, 'one');
    await log(page).getByText('Once').waitFor();
    await page.context().setOffline(true);
    gateway.exchanges[0]!.reset();
    await log(page).getByText('You are offline').waitFor();
    await page.context().setOffline(false);
    gateway.script = (exchange) => reply(exchange, 'Hello.');
    await page.getByRole('button', { name: 'Retry' }).click();
    await log(page).getByText('Hello.').waitFor();
  });

  test('after 60 s without a word the request ends: it took too long', async () => {
    const { page } = await open(browser, gateway.url, { before: (page) => page.clock.install() });
    gateway.script = (exchange) => exchange.send(...opening(exchange));
    await ask(page, 'one');
    await eventually(() => status(page).textContent(), (text) => text === 'Thinking');
    await page.clock.runFor(30_000);
    (await gateway.exchange(0)).raw(': still here\n\n');
    await page.locator('.elapsed', { hasText: '30 s' }).waitFor();
    await page.clock.runFor(31_000);
    await log(page).getByText('Request took too long; please try again').waitFor();
    await gateway.exchanges[0]!.gone;
    await page.getByRole('button', { name: 'Retry' }).waitFor();
  });

  test('a reply that keeps coming has no such end', async () => {
    const { page } = await open(browser, gateway.url, { before: (page) => page.clock.install() });
    gateway.script = (exchange) => exchange.send(...opening(exchange));
    await ask(page, 'one');
    const exchange = await gateway.exchange(0);
    for (const word of ['first', 'second', 'third']) {
      await page.clock.runFor(40_000);
      exchange.send({ type: 'reply.delta', text: `${word} ` });
      await log(page).getByText(word).waitFor();
    }
  });
});

test('before agents are there the page says so, and finds them by itself', async () => {
  gateway.agents = null;
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.clock.install();
  await page.goto(gateway.url);
  await page.locator('aside').getByText('Talk is not available right now.').waitFor();
  gateway.agents = AGENTS;
  await page.clock.runFor(4_000);
  await page.locator('aside').getByRole('radio', { name: 'assistant' }).waitFor({ state: 'attached' });
});

test('a reply is text: no HTML of a model becomes part of the page', async () => {
  const { page, errors } = await open(browser, gateway.url);
  const hostile = '<img src=x onerror="document.title=1"> <script>document.title=2</script> [go](javascript:document.title=3)';
  gateway.script = (exchange) => reply(exchange, hostile);
  await ask(page, '<b>one</b>');
  await log(page).getByText('javascript:').waitFor();
  expect(await log(page).locator('img, script, a, b').count()).toBe(0);
  expect(await page.title()).toBe('Talk');
  expect(errors).toEqual([]);
});

test('nothing is asked of anyone but the gateway, and its files may be kept for ever', async () => {
  const { page, errors } = await open(browser, gateway.url);
  const requested: string[] = [];
  page.on('request', (request) => requested.push(request.url()));
  await page.reload();
  await ask(page, 'one');
  await log(page).getByText('Hello.').waitFor();
  expect(requested.filter((url) => !url.startsWith(gateway.url))).toEqual([]);
  expect(gateway.paths.filter((path) => !/^\/($|v1\/|manifest\.webmanifest$|worker\.js$|icon-\d+\.png$|assets\/[\w.]+-[\w-]{8}\.(js|css|svg)$)/.test(path))).toEqual([]);
  expect(errors).toEqual([]);
});

describe('at 320 px', () => {
  const narrow = { viewport: { width: 320, height: 640 } };

  test('nothing is cut off or covered, and every target is 44 px', async () => {
    const { page } = await open(browser, gateway.url, narrow);
    gateway.script = (exchange) => exchange.problem(503, { code: 'provider_busy', retryable: true });
    await ask(page, `A${'a'.repeat(200)}`);
    await page.getByRole('button', { name: 'Retry' }).waitFor();
    expect(await misplaced(page)).toEqual([]);
  });

  test('the agents are a sheet', async () => {
    const { page } = await open(browser, gateway.url, narrow);
    await page.getByRole('button', { name: 'Agents and conversations' }).click();
    const sheet = page.getByRole('dialog', { name: 'Agents and conversations' });
    expect(await violations(page)).toEqual([]);
    await sheet.getByRole('radio', { name: 'viva-examiner' }).click();
    await sheet.waitFor({ state: 'hidden' });
    await ask(page, 'one');
    expect((await gateway.exchange(0)).json.agent_name).toBe('viva-examiner');
  });
});
