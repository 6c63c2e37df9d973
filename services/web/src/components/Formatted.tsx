import { useMemo } from 'preact/hooks';
import { parseMarkdown, type Block, type Span } from '../markdown.ts';
import { strings } from '../strings.ts';

/** A reply with its little Markdown. Text only ever becomes text: no HTML of a model reaches the page. */
export function Formatted({ text }: { text: string }) {
  const blocks = useMemo(() => parseMarkdown(text), [text]);
  return <div class="formatted">{blocks.map(blockOf)}</div>;
}

function blockOf(block: Block, key: number) {
  switch (block.kind) {
    case 'code':
      return (
        <pre key={key} tabIndex={0} dir="ltr">
          <code>{block.text}</code>
        </pre>
      );
    case 'list': {
      const items = block.items.map((spans, index) => (
        <li key={index} dir="auto">
          {spans.map(spanOf)}
        </li>
      ));
      return block.ordered ? (
        <ol key={key} start={block.start}>
          {items}
        </ol>
      ) : (
        <ul key={key}>{items}</ul>
      );
    }
    default:
      return (
        <p key={key} class={block.kind} dir="auto">
          {block.spans.map(spanOf)}
        </p>
      );
  }
}

function spanOf(span: Span, key: number) {
  switch (span.kind) {
    case 'text':
      return span.text;
    case 'bold':
      return <strong key={key}>{span.text}</strong>;
    case 'italic':
      return <em key={key}>{span.text}</em>;
    case 'code':
      return <code key={key}>{span.text}</code>;
    case 'link':
      return (
        <a key={key} href={span.href} target="_blank" rel="noopener noreferrer" title={strings.link}>
          {span.text}
        </a>
      );
  }
}
