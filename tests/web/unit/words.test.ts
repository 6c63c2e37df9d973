import { describe, expect, test } from 'vitest';
import { parseMarkdown, parseSpans, plainText } from '../../../services/web/src/markdown.ts';
import { failureText } from '../../../services/web/src/strings.ts';

describe('Markdown', () => {
  test('of a usual reply', () => {
    expect(parseMarkdown('# Plan\nGo **early**,\nplease.\n\n1. one\n2. `two`\n- x\n\n```py\na = "<b>"\n\n```\nEnd')).toEqual([
      { kind: 'heading', spans: [{ kind: 'text', text: 'Plan' }] },
      { kind: 'paragraph', spans: [{ kind: 'text', text: 'Go ' }, { kind: 'bold', text: 'early' }, { kind: 'text', text: ',\nplease.' }] },
      { kind: 'list', ordered: true, start: 1, items: [[{ kind: 'text', text: 'one' }], [{ kind: 'code', text: 'two' }]] },
      { kind: 'list', ordered: false, start: 1, items: [[{ kind: 'text', text: 'x' }]] },
      { kind: 'code', text: 'a = "<b>"\n' },
      { kind: 'paragraph', spans: [{ kind: 'text', text: 'End' }] },
    ]);
  });

  test.each(['2 * 3 * 4', 'a ** b', '**open', '[x](javascript:alert(1))', '[x](data:text/html,a)', '`open', '<img src=x onerror=alert(1)>', '1.5 kg', '-5 °C', '#hash', '* '])(
    'leaves %s as it is written',
    (text) => expect(parseMarkdown(text)).toEqual([{ kind: 'paragraph', spans: [{ kind: 'text', text }] }]),
  );

  test('only the web is linked', () => {
    expect(parseSpans('[here](https://example.org/a)')).toEqual([{ kind: 'link', text: 'here', href: 'https://example.org/a' }]);
  });

  test('every beginning of a reply is shown, and nothing is lost', () => {
    const reply = 'One **two** `three`\n\n- four\n- *five*\n\n```\nsix\n```\nseven';
    for (let end = 1; end <= reply.length; end += 1) {
      const letters = (text: string) => text.replace(/[^a-z]/gi, '').toLowerCase();
      expect(letters(plainText(reply.slice(0, end)))).toBe(letters(reply.slice(0, end)));
    }
  });

  test('a hostile reply takes no long time', () => {
    for (const text of ['*'.repeat(20_000), '**a '.repeat(5_000), '['.repeat(20_000), '`'.repeat(20_001), '- '.repeat(10_000)]) parseMarkdown(text);
  });
});

describe('failures in words', () => {
  test('what the gateway says of an invalid request is shown', () => {
    expect(failureText({ code: 'invalid_request', status: 400, detail: 'The text has 4,001 characters; 4,000 are allowed.', retryable: false })).toContain('4,001');
  });

  test.each([
    [{ code: 'timeout' }, 'Request took too long; please try again'],
    [{ code: 'deadline', status: 504 }, 'Request took too long; please try again'],
    [{ code: 'brand_new', status: 502 }, 'Something went wrong inside Talk.'],
    [{ code: 'brand_new', status: 400 }, 'This could not be sent as it is.'],
    [{ code: 'brand_new', detail: 'A later sentence.' }, 'A later sentence.'],
  ])('%o', (failure, words) => {
    expect(failureText({ detail: '', retryable: false, ...failure })).toBe(words);
  });
});
