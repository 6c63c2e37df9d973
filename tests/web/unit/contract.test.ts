/** The page and the Python rooms speak of the same events and the same failures. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { failureText } from '../../../services/web/src/strings.ts';
import { EVENT_TYPES } from '../../../services/web/src/wire.ts';

const kit = (name: string) => readFileSync(new URL(`../../../services/talk_kit/${name}`, import.meta.url), 'utf8');

test('the events are those of talk_kit/events.py', () => {
  const types = [...kit('events.py').matchAll(/type: ClassVar\[str\] = "([\w.]+)"/g)].map((match) => match[1]);
  expect(types.length).toBeGreaterThan(5);
  expect([...EVENT_TYPES].sort()).toEqual(types.sort());
});

test('every failure of talk_kit/errors.py has words of the page', () => {
  const drawn = kit('errors.py').split('"""')[1]!;
  const codes = [...drawn.matchAll(/[├└]── \w+ +(\w+) +(\d{3})/g)].filter((match) => match[2] !== '499').map((match) => match[1]!);
  expect(codes.length).toBeGreaterThan(15);
  const upstream = 'what the gateway says';
  const wordless = codes.filter((code) => failureText({ code, detail: upstream, retryable: true }) === upstream);
  expect(wordless).toEqual(['invalid_request', 'head_too_large']); // the gateway's own words: the page never sends them
});
