import { render } from 'preact';
import { App } from './components/App.tsx';
import { Talk, newId, type Store } from './conversation.ts';
import { watchAgents } from './directory.ts';
import { initialState, reduce, type PageEvent } from './reducer.ts';
import { Microphone } from './voice/microphone.ts';
import { Player } from './voice/player.ts';

let state = initialState(newId());
const root = document.getElementById('app')!;

const store: Store = {
  get: () => state,
  send: (event: PageEvent) => {
    const next = reduce(state, event);
    if (next === state) return;
    state = next;
    draw();
  },
};
const player = new Player((playing) => store.send({ type: 'sound', playing, at: Date.now() }));
const microphone = new Microphone();
const talk = new Talk(store, player, microphone);

let drawing = false;
function draw(): void {
  if (drawing) return;
  drawing = true;
  queueMicrotask(() => {
    drawing = false;
    render(<App state={state} talk={talk} />, root);
  });
}

addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !event.isComposing && !document.querySelector('dialog[open]')) talk.stop();
});
document.addEventListener('visibilitychange', () => {
  if (document.hidden && !microphone.recording) microphone.close(); // nobody listens where nobody looks
});
draw();
watchAgents(store.send, store.get);
