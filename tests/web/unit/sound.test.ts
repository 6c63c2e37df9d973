import { describe, expect, test } from 'vitest';
import { PcmReader, Timeline } from '../../../services/web/src/voice/timeline.ts';
import { encodeWav, joined, resample } from '../../../services/web/src/voice/wav.ts';

const sine = (hertz: number, rate: number, seconds: number) =>
  Float32Array.from({ length: Math.round(rate * seconds) }, (_, i) => Math.sin((2 * Math.PI * hertz * i) / rate));
const middle = (samples: Float32Array) => samples.slice(samples.length / 4, (samples.length * 3) / 4);
const rms = (samples: Float32Array) => Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);

describe('resampling', () => {
  test.each([44_100, 48_000, 96_000, 22_050, 8_000])('speech at %i Hz keeps its pitch and loudness at 16 kHz', (rate) => {
    const out = resample(sine(1000, rate, 0.5), rate, 16_000);
    expect(out.length).toBe(8000);
    const expected = middle(sine(1000, 16_000, 0.5));
    const difference = middle(out).map((value, i) => value - expected[i]!);
    expect(rms(difference)).toBeLessThan(0.01);
  });

  test.each([9_000, 12_000, 20_000])('what 16 kHz cannot hold (%i Hz) does not fold into the voice', (hertz) => {
    expect(rms(middle(resample(sine(hertz, 48_000, 0.5), 48_000, 16_000)))).toBeLessThan(0.01);
  });

  test('the same rate stays as it is', () => {
    const samples = sine(100, 16_000, 0.1);
    expect(resample(samples, 16_000, 16_000)).toBe(samples);
  });

  test('nothing stays nothing', () => expect(resample(new Float32Array(0), 48_000, 16_000)).toHaveLength(0));
});

test('a WAV says what it holds, and clips', () => {
  const view = new DataView(encodeWav(Float32Array.of(0, 0.5, -0.5, 2, -2), 16_000));
  const text = (at: number, length: number) => String.fromCharCode(...new Uint8Array(view.buffer, at, length));
  expect([text(0, 4), text(8, 8), text(36, 4)]).toEqual(['RIFF', 'WAVEfmt ', 'data']);
  expect([view.getUint32(4, true), view.getUint32(40, true), view.byteLength]).toEqual([46, 10, 54]);
  expect([view.getUint16(20, true), view.getUint16(22, true), view.getUint32(24, true), view.getUint32(28, true)]).toEqual([1, 1, 16_000, 32_000]);
  expect([0, 1, 2, 3, 4].map((i) => view.getInt16(44 + i * 2, true))).toEqual([0, 16_384, -16_384, 32_767, -32_768]);
});

test('blocks join in order', () => {
  expect([...joined([Float32Array.of(1, 2), new Float32Array(0), Float32Array.of(3)])]).toEqual([1, 2, 3]);
});

describe('the timeline', () => {
  test('pieces meet to the sample, however long they are', () => {
    const timeline = new Timeline(24_000);
    const lengths = [1, 480, 7, 24_000, 333, 12_345];
    const begins = lengths.map((length, i) => timeline.place(length, 1 + i * 0.001));
    const samples = begins.map((at) => at * 24_000);
    lengths.slice(0, -1).forEach((length, i) => expect(samples[i + 1]! - samples[i]!).toBeCloseTo(length, 6));
    expect(samples[0]).toBeCloseTo(Math.round(samples[0]!), 6);
  });

  test('the first piece leaves room for the second to arrive', () => expect(new Timeline(24_000).place(100, 5)).toBeGreaterThan(5.05));

  test('after a gap of the stream, sound begins again later and never in the past', () => {
    const timeline = new Timeline(24_000);
    timeline.place(2400, 0);
    const begins = timeline.place(2400, 10);
    expect(begins).toBeGreaterThan(10);
    expect(timeline.place(10, 10.01)).toBeCloseTo(begins + 0.1, 9);
  });
});

describe('pcm', () => {
  test('cut between the bytes of a sample gives the same samples', () => {
    const samples = Int16Array.from({ length: 500 }, (_, i) => (i * 7919) % 65_536 - 32_768);
    const bytes = new Uint8Array(samples.buffer);
    for (const size of [1, 3, 7, 64, 999, 1000]) {
      const reader = new PcmReader();
      const pieces: Float32Array[] = [];
      for (let at = 0; at < bytes.length; at += size) pieces.push(reader.push(bytes.subarray(at, at + size)));
      expect([...joined(pieces)].map((value) => value * 0x8000)).toEqual([...samples]);
    }
  });

  test('a piece as long as a reply is taken whole', () => expect(new PcmReader().push(new Uint8Array(4_000_001))).toHaveLength(2_000_000));
});
