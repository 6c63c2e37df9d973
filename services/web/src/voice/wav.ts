/** Pure sound: what the microphone gave -> 16 kHz, mono, 16 bit WAV. */

export const SPEECH_RATE = 16_000;
const ZEROS = 12; // zero crossings of the sinc on each side: the stop band is below -60 dB

/** `samples` at another rate, low-passed below the lower Nyquist frequency (windowed sinc). */
export function resample(samples: Float32Array, from: number, to: number): Float32Array {
  if (from === to) return samples;
  const length = Math.floor((samples.length * to) / from);
  const cutoff = Math.min(1, to / from) * 0.95;
  const reach = Math.ceil(ZEROS / cutoff);
  const kernelOf = kernels(from, to, cutoff, reach);
  const out = new Float32Array(length);
  for (let index = 0; index < length; index += 1) {
    const centre = (index * from) / to;
    const first = Math.floor(centre) - reach + 1;
    const kernel = kernelOf(index, centre - Math.floor(centre));
    let sum = 0;
    for (let tap = Math.max(0, -first); tap < kernel.length && first + tap < samples.length; tap += 1) {
      sum += kernel[tap]! * samples[first + tap]!;
    }
    out[index] = sum;
  }
  return out;
}

/** The filter by output sample. Rates with a small ratio (48:16, 44.1:16) repeat a few phases, which are kept. */
function kernels(from: number, to: number, cutoff: number, reach: number): (index: number, phase: number) => Float32Array {
  const period = to / gcd(from, to);
  const known: Float32Array[] = [];
  return (index, phase) => {
    const kept = known[index % period];
    if (kept) return kept;
    const kernel = Float32Array.from({ length: 2 * reach }, (_, tap) => windowedSinc(tap - reach + 1 - phase, cutoff, reach));
    const gain = kernel.reduce((sum, value) => sum + value, 0);
    return (known[index % period] = kernel.map((value) => value / gain));
  };
}

function windowedSinc(distance: number, cutoff: number, reach: number): number {
  const x = Math.PI * distance * cutoff;
  const sinc = x === 0 ? 1 : Math.sin(x) / x;
  const window = Math.abs(distance) >= reach ? 0 : 0.5 + 0.5 * Math.cos((Math.PI * distance) / reach);
  return sinc * window;
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** A WAV file: one channel, 16 bit. Samples beyond -1..1 are clipped. */
export function encodeWav(samples: Float32Array, rate: number): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(44 + samples.length * 2));
  const text = (at: number, value: string) => [...value].forEach((char, i) => view.setUint8(at + i, char.charCodeAt(0)));
  text(0, 'RIFF');
  view.setUint32(4, 36 + samples.length * 2, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * 2, true);
  view.setUint16(32, 2, true); // bytes a frame
  view.setUint16(34, 16, true); // bits
  text(36, 'data');
  view.setUint32(40, samples.length * 2, true);
  samples.forEach((sample, i) => {
    const clipped = Math.max(-1, Math.min(1, sample));
    view.setInt16(44 + i * 2, Math.round(clipped < 0 ? clipped * 0x8000 : clipped * 0x7fff), true);
  });
  return view.buffer;
}

/** One array of many. */
export function joined(chunks: Float32Array[]): Float32Array {
  const all = new Float32Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
