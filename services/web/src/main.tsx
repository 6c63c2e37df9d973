import { render } from 'preact';
import { App } from './components/App.tsx';
import { Talk, newId, type Store } from './conversation.ts';
import { watchAgents } from './directory.ts';
import { Keeper } from './keeper.ts';
import { initialState, reduce, type PageEvent, type State } from './reducer.ts';
import { Settings } from './settings.ts';
import { recall } from './storage.ts';
import { Microphone } from './voice/microphone.ts';
import { Player } from './voice/player.ts';

let state: State = { ...initialState(newId()), draft: recall('draft') };
const root = document.getElementById('app')!;

const store: Store = {
  get: () => state,
  send: (event: PageEvent) => {
    const before = state;
    state = reduce(state, event);
    if (state === before) return;
    draw();
    onChange(before, state);
  },
};
const player = new Player((playing) => store.send({ type: 'sound', playing, at: Date.now() }));
const microphone = new Microphone();
const talk = new Talk(store, player, microphone);
const keeper = new Keeper(store, talk);
const settings = new Settings(store, microphone);

function onChange(before: State, now: State): void {
  keeper.changed(before, now);
  if (now.network === before.network) return;
  if (now.network === 'unreachable') lookForAgents();
  talk.sendQueued();
}

let lookForAgents = (): void => undefined;
let drawing = false;
function draw(): void {
  if (drawing) return;
  drawing = true;
  queueMicrotask(() => {
    drawing = false;
    render(<App state={state} send={store.send} talk={talk} keeper={keeper} settings={settings} />, root);
  });
}

addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !event.isComposing && !document.querySelector('dialog[open]')) talk.halt();
});
// iOS lays its keyboard over the page instead of making the window smaller.
visualViewport?.addEventListener('resize', () => {
  if (visualViewport?.scale === 1) root.style.height = `${visualViewport.height}px`;
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) return; // nobody listens where nobody looks
  if (microphone.recording) void talk.interrupt();
  else microphone.close();
});
settings.onSignIn = () => lookForAgents();
// Without one (plain http, a private window) the page works as before, only not without a network.
navigator.serviceWorker?.register('/worker.js').catch(() => undefined);
await settings.start();
draw();
lookForAgents = watchAgents(store.send, store.get);
await keeper.start();
