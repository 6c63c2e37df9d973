import { useRef, useState } from 'preact/hooks';
import { found, titleOf } from '../history.ts';
import type { Keeper } from '../keeper.ts';
import type { Conversation, State } from '../reducer.ts';
import { strings } from '../strings.ts';
import { Icon } from './Icon.tsx';

interface Props {
  /** Two lists may be in the page; each has ids of its own. */
  group: string;
  state: State;
  keeper: Keeper;
}

/** The conversations of this device: to open, to find, to delete. */
export function History({ group, state, keeper }: Props) {
  const [query, setQuery] = useState('');
  const section = useRef<HTMLElement>(null);
  const { library, locale } = state;
  const list = found(library, query);
  const remove = (id: string) => {
    section.current?.focus(); // before its button is gone
    void keeper.remove([id]);
  };
  return (
    <section class="history" ref={section} tabIndex={-1} aria-labelledby={`${group}-history`}>
      <h2 id={`${group}-history`} class="side-title">
        {strings.conversations}
      </h2>
      {!state.kept && <p class="note warn">{strings.notKept}</p>}
      {library.length === 0 && state.kept && <p class="note">{strings.noConversations}</p>}
      {library.length > 1 && (
        <input
          type="search"
          class="search"
          aria-label={strings.search}
          placeholder={strings.search}
          value={query}
          onInput={(event) => setQuery(event.currentTarget.value)}
        />
      )}
      {library.length > 0 && list.length === 0 && <p class="note">{strings.nothingFound}</p>}
      <ul class="kept">
        {list.map((one) => (
          <Kept key={one.id} conversation={one} locale={locale} current={one.id === state.conversation.id} keeper={keeper} onRemove={remove} />
        ))}
      </ul>
      {library.length > 0 && <Clear keeper={keeper} onDone={() => section.current?.focus()} />}
    </section>
  );
}

interface KeptProps {
  conversation: Conversation;
  locale: string;
  current: boolean;
  keeper: Keeper;
  onRemove: (id: string) => void;
}

function Kept({ conversation, locale, current, keeper, onRemove }: KeptProps) {
  const title = titleOf(conversation) ?? strings.spoken;
  const when = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' }).format(conversation.changedAt);
  return (
    <li>
      <button type="button" class="kept-open" data-closes aria-current={current || undefined} onClick={() => keeper.open(conversation.id)}>
        <span class="kept-title" dir="auto">
          {title}
        </span>
        <span class="kept-more">
          {conversation.agent} · {when}
        </span>
      </button>
      <button type="button" class="kept-remove" aria-label={strings.remove(title)} onClick={() => onRemove(conversation.id)}>
        <Icon name="delete" />
      </button>
    </li>
  );
}

/** Asks before it deletes everything; the safe answer has the focus. */
function Clear({ keeper, onDone }: { keeper: Keeper; onDone: () => void }) {
  const [asks, setAsks] = useState(false);
  if (!asks) {
    return (
      <button type="button" class="quiet" onClick={() => setAsks(true)}>
        {strings.clear}
      </button>
    );
  }
  const answer = (yes: boolean) => {
    onDone();
    setAsks(false);
    if (yes) void keeper.clear();
  };
  return (
    <div class="clear" role="group" aria-label={strings.clearAsk}>
      <p>{strings.clearAsk}</p>
      <button type="button" class="action" ref={(button) => button?.focus()} onClick={() => answer(false)}>
        {strings.cancel}
      </button>
      <button type="button" class="action danger" onClick={() => answer(true)}>
        {strings.clearYes}
      </button>
    </div>
  );
}
