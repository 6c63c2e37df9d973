import { expect } from 'vitest';

/** What a WAV says of itself and what is in it. */
export function heard(wav: Buffer): { rate: number; channels: number; bits: number; seconds: number; loudness: number } {
  expect(wav.toString('latin1', 0, 4) + wav.toString('latin1', 8, 12) + wav.toString('latin1', 36, 40)).toBe('RIFFWAVEdata');
  expect(wav.readUInt32LE(40)).toBe(wav.length - 44);
  const samples = new Int16Array(wav.buffer.slice(wav.byteOffset + 44, wav.byteOffset + wav.length));
  const power = samples.reduce((sum, sample) => sum + (sample / 0x8000) ** 2, 0) / samples.length;
  const rate = wav.readUInt32LE(24);
  return { rate, channels: wav.readUInt16LE(22), bits: wav.readUInt16LE(34), seconds: samples.length / rate, loudness: Math.sqrt(power) };
}
