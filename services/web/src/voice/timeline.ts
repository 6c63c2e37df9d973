/** Pure scheduling of streamed sound: where each piece begins, to the sample, and which bytes make samples. */

const LEAD_SECONDS = 0.08; // between arrival and sound: rides out small gaps of the network

/** Places pieces one after the other; after a gap of the stream it starts anew. */
export class Timeline {
  #start = 0;
  #placed = 0;
  #rate: number;

  constructor(rate: number) {
    this.#rate = rate;
  }

  /** When a piece of so many samples begins, in seconds of the clock that says `now`. */
  place(samples: number, now: number): number {
    const next = this.#start + this.#placed / this.#rate;
    if (this.#placed === 0 || next < now) {
      this.#start = Math.ceil((now + LEAD_SECONDS) * this.#rate) / this.#rate;
      this.#placed = 0;
    }
    const begins = this.#start + this.#placed / this.#rate;
    this.#placed += samples;
    return begins;
  }
}

/** 16 bit little-endian bytes, cut anywhere, as samples. */
export class PcmReader {
  #odd: number | null = null;

  push(bytes: Uint8Array): Float32Array<ArrayBuffer> {
    const all = this.#odd === null ? bytes : after(this.#odd, bytes);
    this.#odd = all.length % 2 === 1 ? all[all.length - 1]! : null;
    const view = new DataView(all.buffer, all.byteOffset, all.length - (all.length % 2));
    return Float32Array.from({ length: view.byteLength / 2 }, (_, i) => view.getInt16(i * 2, true) / 0x8000);
  }
}

function after(first: number, rest: Uint8Array): Uint8Array {
  const all = new Uint8Array(rest.length + 1);
  all[0] = first;
  all.set(rest, 1);
  return all;
}
