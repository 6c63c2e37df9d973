import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { LOCALES, failureText, languageName, localeOf, speak, strings } from '../../../services/web/src/strings.ts';
import en from '../../../services/web/src/words/en.ts';
import hi from '../../../services/web/src/words/hi.ts';
import kn from '../../../services/web/src/words/kn.ts';

afterEach(() => speak('en'));

/** Every leaf of the words by its path; of those that take values, what they say. */
function leaves(words: object, path = ''): Map<string, string> {
  const all = Object.entries(words).flatMap(([name, value]): [string, string][] => {
    const at = `${path}${name}`;
    if (typeof value === 'function') return [[at, (value as (a: unknown, b: unknown) => string)(42, 43)]];
    return typeof value === 'object' ? [...leaves(value as object, `${at}.`)] : [[at, String(value)]];
  });
  return new Map(all);
}

describe.each([
  ['kn', kn, /\p{Script=Kannada}/u],
  ['hi', hi, /\p{Script=Devanagari}/u],
] as const)('%s', (locale, words, script) => {
  test('says everything that English says, and nothing else', () => {
    expect([...leaves(words).keys()].sort()).toEqual([...leaves(en).keys()].sort());
  });

  test('says it in its own script, with every value', () => {
    const names = ['title', 'direction', 'replyOf'];
    for (const [path, said] of leaves(words)) {
      if (!names.includes(path)) expect(said, path).toMatch(script);
      for (const value of ['42', '43']) if (leaves(en).get(path)!.includes(value)) expect(said, path).toContain(value);
    }
  });

  test('says that it needs a native reader, to people and to translators, until one has read it', () => {
    const file = readFileSync(new URL(`../../../services/web/src/words/${locale}.ts`, import.meta.url), 'utf8');
    const head = file.slice(0, file.indexOf('import'));
    expect(head.includes('NEEDS A NATIVE READER')).toBe(words.needsNativeReader !== '');
  });
});

test('the language of the page changes what failures and languages are called', async () => {
  const failure = { code: 'draining', detail: '', retryable: true };
  const english = failureText(failure);
  await speak('kn');
  expect(strings.retry).toBe(kn.retry);
  expect(failureText(failure)).toBe(kn.failures.draining);
  expect(languageName('en')).toBe('ಇಂಗ್ಲಿಷ್');
  expect(languageName('en', 'en')).toBe('English');
  await speak('en');
  expect(failureText(failure)).toBe(english);
});

test.each([
  [['kn-IN', 'en'], 'kn'],
  [['fr', 'hi-IN'], 'hi'],
  [['ar', 'ja'], 'en'],
  [['EN-gb'], 'en'],
  [[], 'en'],
])('of %j the page speaks %s', (wanted, locale) => expect(localeOf(wanted)).toBe(locale));

test('there are three languages', () => expect(LOCALES).toEqual(['en', 'kn', 'hi']));
