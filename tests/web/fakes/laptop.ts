/** Not a fake: `talk run` as a newcomer starts it, with the real gateway, agents and offline models. */

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PYTHON = process.env.TALK_PYTHON ?? join(ROOT, '.venv/bin/python');
const START_MS = 150_000; // loading takes about 3 s on two idle cores

export class Laptop {
  port = 0;
  #state = mkdtempSync(join(tmpdir(), 'talk-state-'));
  #process: ChildProcess | null = null;
  #output = '';

  get url(): string {
    return `http://localhost:${this.port}/`;
  }

  /** On a free port; again on the same one, with the same sessions, after `stop`. */
  async start(settings: Record<string, string> = {}): Promise<this> {
    this.port ||= await freePort();
    this.#output = '';
    const own = Object.entries(process.env).filter(([name]) => !/^(TALK|OPENAI)_/.test(name));
    const environ = { ...Object.fromEntries(own), TALK_PORT: String(this.port), XDG_STATE_HOME: this.#state, TALK_LOCAL_LLM_TOKENS: '30', ...settings };
    const child = spawn(PYTHON, ['-m', 'talk_cli', 'run'], { cwd: ROOT, env: environ, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = child;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`talk run did not become ready:\n${this.#output}`)), START_MS);
      const onData = (data: Buffer) => {
        this.#output += data.toString();
        if (this.#output.includes('Talk is ready')) resolve(clearTimeout(timer));
      };
      child.stdout!.on('data', onData);
      child.stderr!.on('data', onData);
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`talk run ended with ${code}:\n${this.#output}`)));
    });
    return this;
  }

  /** `SIGKILL` is the plug pulled: nothing ends in order. */
  async stop(signal: 'SIGINT' | 'SIGKILL' = 'SIGINT'): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (!child?.pid || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    process.kill(signal === 'SIGKILL' ? -child.pid : child.pid, signal);
    await gone;
  }

  /** A new API key, and the settings with which Talk asks for it. */
  key(name: string): { key: string; settings: Record<string, string> } {
    const file = join(this.#state, 'keys.json');
    const printed = execFileSync(PYTHON, ['-m', 'talk_cli', 'keys', 'create', name, '--file', file], { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' });
    return { key: printed.trim().split(/\s+/).at(-1)!, settings: { TALK_AUTH_MODE: 'apiKey', TALK_AUTH_FILE: file } };
  }

  /** A WAV file in which a person says this, with a pause after it. */
  async speech(text: string): Promise<{ path: string; seconds: number }> {
    const local = /local on (http:\/\/\S+)/.exec(this.#output)?.[1];
    const body = JSON.stringify({ model: 'joe', input: text, response_format: 'wav' });
    const answer = await fetch(`${local}/v1/audio/speech`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
    if (!answer.ok) throw new Error(`the offline speech answered ${answer.status}: ${await answer.text()}`);
    const wav = withPause(Buffer.from(await answer.arrayBuffer()));
    const path = join(this.#state, 'speech.wav');
    writeFileSync(path, wav);
    return { path, seconds: (wav.length - 44) / wav.readUInt32LE(28) };
  }
}

/** With 0.7 s of silence after it. Its header may be of a stream, whose length nobody knew. */
function withPause(wav: Buffer): Buffer {
  const all = Buffer.concat([wav, Buffer.alloc(Math.round(0.7 * wav.readUInt32LE(28)))]);
  all.writeUInt32LE(all.length - 8, 4);
  all.writeUInt32LE(all.length - 44, 40);
  return all;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
