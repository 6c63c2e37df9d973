import type { Talk } from '../conversation.ts';
import { isAway, type Turn } from '../reducer.ts';
import { failureText, strings } from '../strings.ts';
import { useNow } from './clock.ts';
import { Formatted } from './Formatted.tsx';
import { Icon } from './Icon.tsx';

interface Props {
  turn: Turn;
  agent: string;
  /** What both speak, where it is known. */
  language: string | undefined;
  last: boolean;
  running: boolean;
  talk: Talk;
  onEdit: () => void;
  onRetry: () => void;
}

export function TurnView(props: Props) {
  const { turn, agent, language } = props;
  return (
    <article class="turn">
      <div class="said">
        <span class="hidden">{strings.you}: </span>
        {turn.kind === 'voice' && <Icon name="wave" />}
        {turn.text ? <span dir="auto" lang={language}>{turn.text}</span> : <SpokenMessage seconds={turn.seconds} />}
      </div>
      {turn.tools.length > 0 && (
        <ul class="tools">
          {turn.tools.map((tool) => (
            <li key={tool.callId} data-outcome={tool.outcome}>
              {strings.tool[tool.outcome ?? 'running'](tool.name)}
            </li>
          ))}
        </ul>
      )}
      {turn.reply && (
        <div class="reply">
          <span class="hidden">{agent}: </span>
          <div lang={language}>
            <Formatted text={turn.reply} />
          </div>
        </div>
      )}
      {props.running && !turn.reply && <div class="waiting" aria-hidden="true" />}
      <Ending {...props} />
    </article>
  );
}

/** Stands for a recording until it is transcribed, or for good where it never was. */
function SpokenMessage({ seconds }: { seconds: number | undefined }) {
  return (
    <span class="said-sound">
      {strings.spoken}
      {seconds !== undefined && <small>{strings.seconds(seconds)}</small>}
    </span>
  );
}

/** What is to be said about how the turn ended, and what can be done about it. */
function Ending(props: Props) {
  const { turn, last, talk } = props;
  if (turn.failure) return <FailureCard {...props} />;
  if (turn.finish === 'length') return <p class="note">{strings.cutAtLength}</p>;
  if (turn.finish === 'content_filter') return <p class="note">{strings.filtered}</p>;
  if (turn.status === 'queued') return <Queued {...props} />;
  if (turn.status !== 'stopped') return null;
  return (
    <div class="ending">
      <p class="note">{strings.stopped}</p>
      {last && talk.canRetry(turn) && <Retry {...props} label={strings.askAgain} />}
    </div>
  );
}

function Queued({ turn, talk, onRetry }: Props) {
  const withdraw = () => {
    onRetry();
    talk.withdraw(turn.id);
  };
  return (
    <div class="ending">
      <p class="note with-icon">
        <Icon name="clock" />
        {strings.queued}
      </p>
      <button type="button" class="action" onClick={withdraw}>
        {strings.keepHere}
      </button>
    </div>
  );
}

function FailureCard(props: Props) {
  const { turn, talk, onEdit, onRetry } = props;
  const failure = turn.failure!;
  const edit = () => {
    talk.edit(turn.id);
    onEdit();
  };
  const again = failure.retryable || failure.code === 'unauthenticated'; // after signing in
  const queue = () => {
    onRetry();
    talk.queue(turn.id);
  };
  return (
    <div class="failure">
      <Icon name="warning" />
      <div class="failure-text">
        <p>{failureText(failure)}</p>
        {failure.requestId && <p class="failure-id">{strings.requestId(failure.requestId)}</p>}
      </div>
      <div class="failure-do">
        {again && talk.canRetry(turn) && (
          <Retry {...props} label={failure.code === 'interrupted' ? strings.sendRecording : strings.retry} />
        )}
        {isAway(failure) && talk.canRetry(turn) && (
          <button type="button" class="action" onClick={queue}>
            <Icon name="clock" />
            {strings.sendWhenOnline}
          </button>
        )}
        {!again && turn.kind === 'text' && (
          <button type="button" class="action" onClick={edit}>
            <Icon name="edit" />
            {strings.edit}
          </button>
        )}
      </div>
    </div>
  );
}

/** Waits as long as the gateway asked to; keeps the focus while it does. */
function Retry({ turn, talk, label, onRetry }: Props & { label: string }) {
  const until = turn.failure?.retryAt ?? 0;
  const [waiting, seconds] = useCountdown(until);
  const retry = () => {
    if (waiting) return;
    onRetry();
    talk.retry(turn.id);
  };
  return (
    <button type="button" class="action" aria-disabled={waiting} onClick={retry}>
      <Icon name="retry" />
      {waiting ? strings.retryIn(seconds) : label}
    </button>
  );
}

function useCountdown(until: number): [boolean, number] {
  const now = useNow(until > Date.now());
  const left = Math.ceil((until - Math.max(now, Date.now())) / 1000);
  return [left > 0, left];
}
