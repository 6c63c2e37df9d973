import { PcmReader, Timeline } from './timeline.ts';

const RATE = 24_000; // of pcm_s16le_24000
const FADE_SECONDS = 0.02; // sound that is cut without a fade clicks

interface Stream {
  gain: GainNode;
  timeline: Timeline;
  pcm: PcmReader;
  sources: Set<AudioBufferSourceNode>;
  ended: boolean;
}

/**
 * Plays a reply's sound as it comes, without gaps. The context runs at the sound's own rate, so that pieces meet
 * sample to sample and the browser resamples once, behind them.
 */
export class Player {
  #context: AudioContext | null = null;
  #stream: Stream | null = null;
  #onPlaying: (playing: boolean) => void;

  constructor(onPlaying: (playing: boolean) => void) {
    this.#onPlaying = onPlaying;
  }

  /** To be called inside a gesture: browsers refuse sound that starts seconds after the last one. */
  unlock(): void {
    this.#context ??= new AudioContext({ sampleRate: RATE });
    if (this.#context.state !== 'running') void this.#context.resume().catch(() => undefined);
  }

  /** The next piece: base64 of s16le at 24 kHz. */
  push(base64: string): void {
    this.unlock();
    const context = this.#context!;
    const stream = (this.#stream ??= this.#open(context));
    const samples = stream.pcm.push(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)));
    if (samples.length === 0) return;
    const buffer = context.createBuffer(1, samples.length, RATE);
    buffer.copyToChannel(samples, 0);
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(stream.gain);
    source.onended = () => this.#sourceEnded(stream, source);
    stream.sources.add(source);
    source.start(stream.timeline.place(samples.length, context.currentTime));
    this.#onPlaying(true);
  }

  /** No more pieces will come: silence after the last one is the end. */
  end(): void {
    if (!this.#stream) return;
    this.#stream.ended = true;
    this.#settle(this.#stream);
  }

  /** Silence, now. What was pushed and not heard is forgotten. */
  flush(): void {
    const stream = this.#stream;
    if (!stream || !this.#context) return;
    this.#stream = null;
    const now = this.#context.currentTime;
    stream.gain.gain.setValueAtTime(1, now);
    stream.gain.gain.linearRampToValueAtTime(0, now + FADE_SECONDS);
    for (const source of stream.sources) source.stop(now + FADE_SECONDS);
    this.#onPlaying(false);
  }

  #open(context: AudioContext): Stream {
    const gain = new GainNode(context);
    gain.connect(context.destination);
    return { gain, timeline: new Timeline(RATE), pcm: new PcmReader(), sources: new Set(), ended: false };
  }

  #sourceEnded(stream: Stream, source: AudioBufferSourceNode): void {
    stream.sources.delete(source);
    this.#settle(stream);
  }

  #settle(stream: Stream): void {
    if (stream.sources.size > 0) return;
    if (stream !== this.#stream) return stream.gain.disconnect();
    if (!stream.ended) return;
    stream.gain.disconnect();
    this.#stream = null;
    this.#onPlaying(false);
  }
}
