import type { Device, MicProblem } from '../reducer.ts';
import workletUrl from './capture.worklet.js?url';
import { SPEECH_RATE, encodeWav, joined, resample } from './wav.ts';

const TAIL_SECONDS = 0.3; // kept after release: people let go while they still speak
const TAIL_PATIENCE_MS = 1_000; // should frames stop coming meanwhile
const LONGEST_SECONDS = 115; // the gateway takes 120
const WARM_MS = 5 * 60_000; // the microphone stays open so long after its last use

export interface Recording {
  wav: Blob;
  seconds: number;
}

export interface Listener {
  /** The first sound has come: what is said from now on is kept. */
  heard(): void;
  /** Loudness of the last block, 0 to 1. */
  level(value: number): void;
  /** The longest recording is reached. */
  full(): void;
}

export class MicrophoneError extends Error {
  readonly problem: MicProblem;

  constructor(problem: MicProblem) {
    super(problem);
    this.problem = problem;
  }
}

interface Line {
  context: AudioContext;
  stream: MediaStream;
  node: AudioWorkletNode;
}

/** Captures speech through an AudioWorklet. Stays open (warm) after the first use, so that no first word is lost. */
export class Microphone {
  /** The device to open; '' is the system's own. */
  device = '';
  /** The devices may have changed, or may now be named. */
  onDevices: () => void = () => undefined;
  #line: Line | null = null;
  #opening: Promise<Line> | null = null;
  #listener: Listener | null = null;
  #chunks: Float32Array[] = [];
  #samples = 0;
  #rate = 0;
  #stopAt = Infinity;
  #onTail: (() => void) | null = null;
  #cooling: ReturnType<typeof setTimeout> | undefined;

  /** Opens the microphone where it is not yet open, asking the person if needed. Throws MicrophoneError. */
  async open(): Promise<void> {
    clearTimeout(this.#cooling);
    if (this.#line) return void this.#line.context.resume().catch(() => undefined);
    this.#opening ??= openLine(this.device, (chunk) => this.#take(chunk), () => this.close());
    try {
      this.#line = await this.#opening;
      this.onDevices();
    } finally {
      this.#opening = null;
    }
  }

  /** Records from now on. The microphone is open. */
  start(listener: Listener): void {
    this.#listener = listener;
    this.#chunks = [];
    this.#samples = 0;
    this.#rate = this.#line?.context.sampleRate ?? 0;
    this.#stopAt = Infinity;
    this.#line?.node.port.postMessage('start');
  }

  /** The recording with its tail, or null where `resume` or `discard` came in between. */
  async finish(): Promise<Recording | null> {
    const listener = this.#listener;
    const rate = this.#rate;
    if (!listener || !rate) return null;
    this.#stopAt = this.#samples + TAIL_SECONDS * rate;
    const patience = setTimeout(() => this.#onTail?.(), TAIL_PATIENCE_MS);
    await new Promise<void>((resolve) => (this.#onTail = resolve));
    clearTimeout(patience);
    this.#onTail = null;
    if (this.#listener !== listener || this.#stopAt === Infinity) return null;
    const samples = joined(this.#chunks);
    this.discard();
    const wav = new Blob([encodeWav(resample(samples, rate, SPEECH_RATE), SPEECH_RATE)], { type: 'audio/wav' });
    return { wav, seconds: samples.length / rate };
  }

  /** Goes on with a recording that was about to finish. */
  resume(): void {
    this.#stopAt = Infinity;
    this.#onTail?.();
  }

  /** Stops and forgets. The microphone stays warm for a while. */
  discard(): void {
    this.#listener = null;
    this.#chunks = [];
    this.#line?.node.port.postMessage('stop');
    this.#onTail?.();
    clearTimeout(this.#cooling);
    if (this.#line) this.#cooling = setTimeout(() => this.close(), WARM_MS);
  }

  get recording(): boolean {
    return this.#listener !== null;
  }

  close(): void {
    clearTimeout(this.#cooling);
    const line = this.#line;
    this.#line = null;
    if (!line) return;
    for (const track of line.stream.getTracks()) track.stop();
    void line.context.close().catch(() => undefined);
  }

  #take(chunk: Float32Array): void {
    if (!this.#listener || !this.#line) return;
    this.#chunks.push(chunk);
    const first = this.#samples === 0;
    this.#samples += chunk.length;
    if (first) this.#listener.heard();
    this.#listener.level(loudness(chunk));
    if (this.#samples >= this.#stopAt) this.#onTail?.();
    if (this.#samples >= LONGEST_SECONDS * this.#rate && !this.#onTail) this.#listener.full();
  }
}

/** The microphones there are; named once the person has allowed one. */
export async function listMicrophones(): Promise<Device[]> {
  const all = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
  const own = ['default', 'communications', '']; // other names of devices in the list
  return all.flatMap(({ kind, deviceId: id, label }) => (kind === 'audioinput' && !own.includes(id) ? [{ id, label }] : []));
}

async function openLine(device: string, onChunk: (chunk: Float32Array) => void, onEnded: () => void): Promise<Line> {
  if (!navigator.mediaDevices?.getUserMedia) throw new MicrophoneError(isSecureContext ? 'unsupported' : 'insecure');
  const context = new AudioContext();
  void context.resume().catch(() => undefined); // inside the gesture, before the first wait
  try {
    const audio = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...(device ? { deviceId: { ideal: device } } : {}) };
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    stream.getAudioTracks()[0]?.addEventListener('ended', onEnded);
    await context.audioWorklet.addModule(workletUrl);
    const node = new AudioWorkletNode(context, 'capture', { numberOfOutputs: 0 });
    node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => onChunk(data);
    context.createMediaStreamSource(stream).connect(node);
    return { context, stream, node };
  } catch (error) {
    void context.close().catch(() => undefined);
    throw new MicrophoneError(problemOf(error));
  }
}

function problemOf(error: unknown): MicProblem {
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'denied';
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return 'absent';
  return name === 'NotReadableError' ? 'taken' : 'broken';
}

function loudness(chunk: Float32Array): number {
  const power = chunk.reduce((sum, sample) => sum + sample * sample, 0) / chunk.length;
  return Math.min(1, Math.sqrt(power) * 6);
}
