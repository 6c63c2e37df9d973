/** Headless Chromium with a fake microphone, and what every journey needs of it. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { encodeWav } from '../../../services/web/src/voice/wav.ts';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=user-gesture-required', // as phones have it
  '--host-resolver-rules=MAP talk.test 127.0.0.1',
];

export function chromiumPath(): string {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8' }).trim();
    } catch {
      continue;
    }
  }
  throw new Error('Chromium was not found. Install it (make tools), or name it: CHROMIUM=/path/to/chromium.');
}

/** A second of a 300 Hz tone at half loudness, 48 kHz: Chromium plays it to the page over and over. */
function microphoneFile(): string {
  const samples = Float32Array.from({ length: 48_000 }, (_, i) => 0.5 * Math.sin((2 * Math.PI * 300 * i) / 48_000));
  const path = join(mkdtempSync(join(tmpdir(), 'talk-mic-')), 'speech.wav');
  writeFileSync(path, Buffer.from(encodeWav(samples, 48_000)));
  return path;
}

/** `microphone`: fed from the WAV file `speech` and allowed; 'denied': there is one and the person says no; 'none': there is none. */
export function launch(microphone: 'allowed' | 'denied' | 'none' = 'allowed', speech = microphoneFile()): Promise<Browser> {
  const device = ['--use-fake-device-for-media-stream', `--use-file-for-fake-audio-capture=${speech}`];
  const args = {
    allowed: [...device, '--use-fake-ui-for-media-stream'],
    denied: [...device, '--deny-permission-prompts'],
    none: ['--use-fake-ui-for-media-stream'],
  }[microphone];
  return chromium.launch({ executablePath: chromiumPath(), headless: true, args: [...FLAGS, ...args] });
}

/** What a page did that no state shows. */
export interface Probe {
  starts: { when: number; duration: number; running: boolean }[];
  stops: number;
}

const probe = () => {
  const seen: Probe = { starts: [], stops: 0 };
  Object.assign(globalThis, { probe: seen });
  const { start, stop } = AudioBufferSourceNode.prototype;
  AudioBufferSourceNode.prototype.start = function (when = 0) {
    seen.starts.push({ when, duration: this.buffer?.duration ?? 0, running: this.context.state === 'running' });
    start.call(this, when);
  };
  AudioBufferSourceNode.prototype.stop = function (when = 0) {
    seen.stops += 1;
    stop.call(this, when);
  };
};

export interface Opened {
  page: Page;
  /** Errors of the console and of scripts, refusals of the Content-Security-Policy among them. */
  errors: string[];
}

export interface OpenOptions extends BrowserContextOptions {
  before?: (page: Page) => Promise<void>;
  /** What is there once the page can be used. */
  ready?: string;
}

export async function open(browser: Browser, url: string, options: OpenOptions = {}): Promise<Opened> {
  const { before, ready = '.agent', ...contextOptions } = options;
  const context = await browser.newContext({ viewport: { width: 1100, height: 760 }, reducedMotion: 'reduce', ...contextOptions });
  const page = await context.newPage();
  page.setDefaultTimeout(8_000);
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) errors.push(message.text());
  });
  await page.addInitScript(probe);
  await before?.(page);
  await page.goto(url);
  await page.locator(ready).first().waitFor({ state: 'attached' });
  return { page, errors };
}

export const probeOf = (page: Page): Promise<Probe> =>
  page.evaluate(() => JSON.parse(JSON.stringify((globalThis as unknown as { probe: Probe }).probe)) as Probe);

/** Waits until `look` gives what `right` accepts. */
export async function eventually<T>(look: () => Promise<T> | T, right: (value: T) => boolean, timeout = 8_000): Promise<T> {
  let last!: T;
  await expect
    .poll(async () => right((last = await look())), { timeout, interval: 30 })
    .toBe(true);
  return last;
}

export const talkButton = (page: Page) => page.getByRole('button', { name: 'Hold to talk' });
export const message = (page: Page) => page.getByLabel('Your message');
export const status = (page: Page) => page.getByRole('status');
export const alert = (page: Page) => page.getByRole('alert');
export const log = (page: Page) => page.getByRole('log');

/** Waits until the answer was given and its sound is over. */
export const silent = (page: Page) => eventually(() => status(page).textContent(), (text) => text === 'Answer complete');

/** Waits until nothing goes on any more: the answer was stopped, or only its sound where its text was complete. */
export const ended = (page: Page) => eventually(() => status(page).textContent(), (text) => text === 'Stopped' || text === 'Answer complete');

/** Presses the talk button with the pointer and returns when the page says that it listens. */
export async function pressAndListen(page: Page): Promise<void> {
  await talkButton(page).hover();
  await page.mouse.down();
  await page.getByText('Let go to send').waitFor();
}

/** Holds the button for as long as a short sentence takes, by the page's own clock. */
export async function holdToTalk(page: Page, milliseconds = 500): Promise<void> {
  await pressAndListen(page);
  await elapse(page, milliseconds);
  await page.mouse.up();
}

/** Speech takes time: lets so much of it pass in the page. */
export const elapse = (page: Page, milliseconds: number): Promise<void> =>
  page.evaluate((ms) => new Promise<void>((resolve) => setTimeout(resolve, ms)), milliseconds);

const axeSource = readFile(createRequire(new URL('../../../services/web/package.json', import.meta.url)).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  id: string;
  nodes: { html: string; failureSummary: string }[];
}

/** What axe-core finds wrong in the page as it is now, WCAG 2.2 AA and best practices; each with its element. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(await axeSource);
  const found = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(options: unknown): Promise<{ violations: Violation[] }> } };
    return (await axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })).violations;
  });
  return found.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}: ${node.failureSummary}`));
}

/** What no viewport may show: something wider than it, a target that is cut off, small or under another one, words over words. */
export async function misplaced(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const open = document.querySelector('dialog[open]');
    const inside = (one: Element) => !open || open.contains(one);
    const sheet = document.querySelector('dialog[open] .sheet-top'); // stays in place while the rest scrolls under it
    const name = (one: Element) => one.getAttribute('aria-label') ?? (one.textContent || one.tagName);
    const targets = [...document.querySelectorAll('button, textarea, select, input:not([type=radio])')].filter((one) => one.checkVisibility() && inside(one));
    const boxes = targets.map((one) => [one, one.getBoundingClientRect()] as const);
    const wrong = boxes.flatMap(([one, box]) => {
      if (box.left < 0 || box.right > innerWidth + 0.5) return [`${name(one)} is cut off`];
      const label = one.closest('label')?.getBoundingClientRect() ?? box;
      return Math.min(label.width, label.height) < 44 ? [`${name(one)} is small`] : [];
    });

    // As much of each as the part that it scrolls in shows; words by their own boxes.
    const seen = (one: Element, box: DOMRect) => {
      const pane = one.closest('.main, .side, .sheet')?.getBoundingClientRect() ?? new DOMRect(0, 0, innerWidth, innerHeight);
      const [left, top] = [Math.max(box.left, pane.left), Math.max(box.top, pane.top)];
      return new DOMRect(left, top, Math.min(box.right, pane.right) - left, Math.min(box.bottom, pane.bottom) - top);
    };
    const range = document.createRange();
    const written = [...document.querySelectorAll('body *')].filter((one) => {
      const own = [...one.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.textContent!.trim());
      return own && one.checkVisibility() && inside(one) && !one.closest('.hidden, .top-name, option, button');
    });
    const words = written.map((one) => (range.selectNodeContents(one), [one, range.getBoundingClientRect()] as const));
    const shown = [...boxes, ...words].map(([one, box]) => [one, seen(one, box)] as const).filter(([, { width, height }]) => width > 0 && height > 0);
    const overlap = (a: DOMRect, b: DOMRect) => a.left < b.right - 2 && b.left < a.right - 2 && a.top < b.bottom - 2 && b.top < a.bottom - 2;
    const covered = shown.flatMap(([one, a], i) =>
      shown.slice(i + 1).flatMap(([other, b]) => {
        if (sheet?.contains(one) || sheet?.contains(other) || one.contains(other) || other.contains(one)) return [];
        return overlap(a, b) ? [`${name(one)} and ${name(other)} overlap`] : [];
      }),
    );
    return [...wrong, ...covered, ...(document.documentElement.scrollWidth > innerWidth ? ['the page is wider than its window'] : [])];
  });
}

/** Notes what a screen reader is told from now on; the returned function says it, in order. */
export async function listenIn(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const said: string[] = [];
    Object.assign(globalThis, { said });
    const watch = (role: string) =>
      new MutationObserver(([change]) => {
        const text = change!.target.textContent || change!.target.parentElement?.textContent;
        if (text && said.at(-1) !== `${role}: ${text}`) said.push(`${role}: ${text}`);
      }).observe(document.querySelector(`[role=${role}]`)!, { childList: true, characterData: true, subtree: true });
    ['status', 'alert'].forEach(watch);
  });
  return () => page.evaluate(() => (globalThis as unknown as { said: string[] }).said);
}

/** What has the focus, by its name; '' where nothing has. */
export const focused = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const one = document.activeElement;
    if (!one || one === document.body) return '';
    return one.getAttribute('aria-label') ?? ((one as HTMLInputElement).labels?.[0] ?? one).textContent ?? '';
  });

/** Presses Tab until that has the focus. */
export async function tabTo(page: Page, name: string): Promise<void> {
  for (let steps = 0; !(await focused(page)).includes(name); steps += 1) {
    expect(steps, `Tab reaches ${name}`).toBeLessThan(30);
    await page.keyboard.press('Tab');
  }
}
