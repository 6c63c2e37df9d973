/** The little Markdown that replies are written in, as values; never HTML. What is not understood stays as written. */

export type Span =
  | { kind: 'text' | 'bold' | 'italic' | 'code'; text: string }
  | { kind: 'link'; text: string; href: string };

export type Block =
  | { kind: 'paragraph' | 'heading'; spans: Span[] }
  | { kind: 'list'; ordered: boolean; start: number; items: Span[][] }
  | { kind: 'code'; text: string };

const ITEM = /^\s{0,6}(?:[-*+]|(\d{1,4})[.)])\s+(\S.*)$/;
const HEADING = /^#{1,6}\s+(.*?)\s*#*$/;
const FENCE = /^\s{0,3}```/;
// Every repetition is bounded, so that no reply makes the page slow.
const SPAN =
  /`([^`\n]{1,400})`|\*\*(\S(?:.{0,400}?\S)?)\*\*|\*([^\s*](?:[^*\n]{0,400}[^\s*])?)\*|\[([^\][\n]{1,200})\]\((https?:\/\/[^\s)]{1,2000})\)/;

/** The blocks of a reply, also of one that is still being written. */
export function parseMarkdown(text: string): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const [block, next] = readBlock(lines, at);
    if (block) blocks.push(block);
    at = next;
  }
  return blocks;
}

function readBlock(lines: string[], at: number): [Block | null, number] {
  const line = lines[at]!;
  if (line.trim() === '') return [null, at + 1];
  if (FENCE.test(line)) return readCode(lines, at + 1);
  const heading = HEADING.exec(line);
  if (heading) return [{ kind: 'heading', spans: parseSpans(heading[1]!) }, at + 1];
  return ITEM.test(line) ? readList(lines, at) : readParagraph(lines, at);
}

function readCode(lines: string[], at: number): [Block, number] {
  const close = lines.findIndex((line, index) => index >= at && FENCE.test(line));
  const end = close < 0 ? lines.length : close;
  return [{ kind: 'code', text: lines.slice(at, end).join('\n') }, end + 1];
}

function readList(lines: string[], at: number): [Block, number] {
  const first = ITEM.exec(lines[at]!)!;
  const items: Span[][] = [];
  let next = at;
  for (let item: RegExpExecArray | null = first; item; item = ITEM.exec(lines[next] ?? '')) {
    if ((item[1] === undefined) !== (first[1] === undefined)) break;
    items.push(parseSpans(item[2]!));
    next += 1;
  }
  return [{ kind: 'list', ordered: first[1] !== undefined, start: Number(first[1] ?? 1), items }, next];
}

function readParagraph(lines: string[], at: number): [Block, number] {
  const starts = (line: string) => line.trim() === '' || FENCE.test(line) || HEADING.test(line) || ITEM.test(line);
  const more = lines.slice(at + 1).findIndex(starts);
  const end = more < 0 ? lines.length : at + 1 + more;
  return [{ kind: 'paragraph', spans: parseSpans(lines.slice(at, end).join('\n')) }, end];
}

/** What a reply says, without its marks: for those who hear it. */
export function plainText(text: string): string {
  const said = (spans: Span[]) => spans.map((span) => span.text).join('');
  const lines = parseMarkdown(text).flatMap((block) => {
    if (block.kind === 'code') return [block.text];
    return block.kind === 'list' ? block.items.map(said) : [said(block.spans)];
  });
  return lines.join('\n');
}

/** The spans of one run of text. */
export function parseSpans(text: string): Span[] {
  const spans: Span[] = [];
  let rest = text;
  for (let match = SPAN.exec(rest); match; match = SPAN.exec(rest)) {
    if (match.index > 0) spans.push({ kind: 'text', text: rest.slice(0, match.index) });
    spans.push(spanOf(match));
    rest = rest.slice(match.index + match[0].length);
  }
  if (rest) spans.push({ kind: 'text', text: rest });
  return spans;
}

function spanOf([, code, bold, italic, label, href]: RegExpExecArray): Span {
  if (code !== undefined) return { kind: 'code', text: code };
  if (bold !== undefined) return { kind: 'bold', text: bold };
  if (italic !== undefined) return { kind: 'italic', text: italic };
  return { kind: 'link', text: label ?? '', href: href ?? '' };
}
