/** The words of the language in use; and how failures, hints and languages are put into words. */

import type { Failure, Hint } from './reducer.ts';
import en, { type Words } from './words/en.ts';

export type Locale = 'en' | 'kn' | 'hi';
export const LOCALES: Locale[] = ['en', 'kn', 'hi'];

/** Languages other than English are fetched when they are chosen. */
const load: Record<Locale, () => Promise<{ default: Words }>> = {
  en: () => Promise.resolve({ default: en }),
  kn: () => import('./words/kn.ts'),
  hi: () => import('./words/hi.ts'),
};

export let strings: Words = en;
let names = namesIn('en');

/** Everything is said in that language from the next drawing on. */
export async function speak(locale: Locale): Promise<void> {
  strings = (await load[locale]()).default;
  names = namesIn(locale);
}

/** The first language of the person that the page speaks. */
export const localeOf = (wanted: readonly string[]): Locale =>
  wanted.map((tag) => tag.slice(0, 2).toLowerCase() as Locale).find((tag) => LOCALES.includes(tag)) ?? 'en';

function namesIn(locale: string): Intl.DisplayNames {
  return new Intl.DisplayNames([locale, 'en'], { type: 'language' });
}

/** The name of a BCP-47 tag, in the language in use or in another one; a tag that is none stays as it is. */
export function languageName(tag: string, within?: string): string {
  try {
    return (within ? namesIn(within) : names).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

export const hintText = (hint: Hint): string => strings.hints[hint];

const byStatus = (status: number | undefined): string => strings.failures[status !== undefined && status >= 500 ? 'internal' : 'unsent']!;

/** A failure in plain words; what the gateway says of an invalid request is the better sentence. */
export function failureText(failure: Failure): string {
  if (failure.code === 'invalid_request' && failure.detail) return failure.detail;
  return strings.failures[failure.code] ?? (failure.detail || byStatus(failure.status));
}
