/** Posts mono samples in blocks between 'start' and 'stop'. Runs on the audio thread. */
const BLOCK = 1024;

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Float32Array(BLOCK);
    this.filled = 0;
    this.on = false;
    this.port.onmessage = ({ data }) => {
      this.filled = 0;
      this.on = data === 'start';
    };
  }

  process([channels]) {
    if (!this.on || !channels || channels.length === 0) return true;
    for (let i = 0; i < channels[0].length; i += 1) {
      let sum = 0;
      for (const channel of channels) sum += channel[i];
      this.block[this.filled] = sum / channels.length;
      this.filled += 1;
      if (this.filled === BLOCK) this.flush();
    }
    return true;
  }

  flush() {
    if (this.filled > 0) this.port.postMessage(this.block.slice(0, this.filled));
    this.filled = 0;
  }
}

registerProcessor('capture', Capture);
