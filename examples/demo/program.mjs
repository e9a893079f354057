// program.mjs - one running `sluice up` and what the demo asks of it.
//
// Promise  up() starts the program and starts it again, at the same addresses, whenever a signal killed it; it ends the demo when the
//          program itself gives up. What it says on stderr is kept in DATA/up.log.
//          DATA/demo.json tells other processes (--break) who runs and where.
// Bounds   At most kRestartsMax restarts in a minute.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const RESTARTS_MAX = 10;
const STOP_MS = 10_000;
const LISTENERS = ['collect', 'web', 'sql'];

export const isAlive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
};

// What a running demo wrote down, or null where none runs.
export function runningDemo(data) {
  const path = join(data, 'demo.json');
  if (!existsSync(path)) return null;
  const state = JSON.parse(readFileSync(path, 'utf8'));
  return isAlive(state.demo) ? state : null;
}

const COMMAND_MS = 10_000;

// One command of the program on DATA; its output as text. It is ended after COMMAND_MS.
export async function command(binary, data, ...args) {
  const child = spawn(binary, [...args, '--data', data], { stdio: ['ignore', 'pipe', 'pipe'], timeout: COMMAND_MS });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => { out += chunk; });
  child.stderr.setEncoding('utf8').on('data', (chunk) => { err += chunk; });
  const [code, signal] = await new Promise((resolve) => child.on('close', (...how) => resolve(how)));
  if (signal) throw new Error(`sluice ${args.join(' ')}: no answer within ${COMMAND_MS / 1000} s`);
  if (code !== 0) throw new Error(`sluice ${args.join(' ')}: ${err.trim() || out.trim() || `exit ${code}`}`);
  return out;
}

// The rows of a SELECT, by `sluice query`.
export async function query(binary, data, sql) {
  const text = await command(binary, data, 'query', sql, '--json');
  return text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));
}

export async function health(state) {
  const response = await fetch(new URL('/health', state.web), { signal: AbortSignal.timeout(2000) });
  return response.json();
}

// Lines that the page shows under its header: `text` takes the place of the line that begins alike.
export function note(data, beginning, text) {
  const path = join(data, 'notes');
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter((line) => line !== '' && !line.startsWith(beginning)) : [];
  if (text !== '') lines.push(`${beginning}${text}`);
  publish(path, lines.map((line) => `${line}\n`).join(''));
}

// Written aside and renamed: a file that is there is whole.
export function publish(path, text) {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

export class Program {
  constructor({ binary, project, data, listen }) {
    Object.assign(this, { binary, project, data, listen });
    this.addresses = {};
    this.restarts = [];
    this.stopping = false;
    this.child = null;
    this.onEnd = () => {};
  }

  get state() {
    return { demo: process.pid, up: this.child?.pid, data: this.data, ...this.addresses };
  }

  // Resolves when the program has said its addresses; rejects with its own words if it ends before.
  up() {
    const args = ['up', this.project, '--data', this.data, '--demo'];
    for (const [name, address] of Object.entries(this.listen)) args.push('--listen', `${name}=${address}`);
    const log = openSync(join(this.data, 'up.log'), 'a');
    this.logStart = statSync(join(this.data, 'up.log')).size;
    // Its own process group: Ctrl-C reaches the demo alone, which then ends the rest in order.
    const child = spawn(this.binary, args, { stdio: ['ignore', 'pipe', log], detached: true });
    closeSync(log);
    this.child = child;
    return new Promise((resolve, reject) => {
      let text = '';
      const known = () => {
        if (!LISTENERS.every((name) => this.addresses[name])) return;
        this.publish();
        resolve();
      };
      child.stdout.setEncoding('utf8').on('data', (chunk) => {
        if (LISTENERS.every((name) => this.addresses[name])) return;
        text += chunk;
        for (const [, name, address] of text.matchAll(/^(collect|web|sql)\s+(?:http:\/\/)?(\S+:\d+)\/?\n/gm)) this.addresses[name] = `http://${address}`;
        known();
      });
      child.on('error', (error) => reject(new Error(`${this.binary} does not start: ${error.message}. Run ./run build.`)));
      child.on('exit', (code, signal) => {
        if (this.child !== child) return;
        if (LISTENERS.every((name) => this.addresses[name])) this.ended(code, signal);
        else reject(new Error(this.lastWords()));
      });
      known(); // a start at the addresses of the last one
    });
  }

  // The lines on stderr since the last start that are meant for people: the last ones, JSON taken apart.
  lastWords() {
    const text = readFileSync(join(this.data, 'up.log')).subarray(this.logStart).toString('utf8');
    const lines = text.split('\n').filter((line) => line !== '').slice(-5);
    return lines.length > 0 ? lines.join('\n') : 'sluice up ended without a word';
  }

  ended(code, signal) {
    if (this.stopping) return;
    const now = Date.now();
    this.restarts = this.restarts.filter((at) => now - at < 60_000);
    if (signal && this.restarts.length < RESTARTS_MAX) {
      this.restarts.push(now);
      for (const name of LISTENERS) if (this.addresses[name]) this.listen[name] = new URL(this.addresses[name]).host;
      this.up().catch(() => {});
      return;
    }
    this.onEnd(signal ? `sluice up was killed ${RESTARTS_MAX + 1} times in a minute` : `sluice up ended with code ${code}`);
  }

  publish() {
    publish(join(this.data, 'demo.json'), `${JSON.stringify(this.state)}\n`);
  }

  // Resolves when /health says ready.
  async ready(timeoutMs = 60_000) {
    const end = Date.now() + timeoutMs;
    let last = 'no answer';
    while (Date.now() < end && !this.stopping) {
      try {
        const answer = await health(this.state);
        if (answer.status === 'ready') return;
        last = JSON.stringify(answer.stages?.filter((stage) => stage.status !== 'ready') ?? answer);
      } catch (error) {
        last = error.cause?.message ?? error.message;
      }
      await delay(100);
    }
    if (!this.stopping) throw new Error(`sluice up was not ready within ${timeoutMs / 1000} s (${last}); its words are in ${join(this.data, 'up.log')}`);
  }

  async stop() {
    this.stopping = true;
    const { child } = this;
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const late = delay(STOP_MS, 'late', { ref: false });
      if ((await Promise.race([ended, late])) === 'late') {
        console.error(`demo: sluice up did not end within ${STOP_MS / 1000} s of SIGTERM and is killed.`);
        child.kill('SIGKILL');
        await ended;
      }
    }
    rmSync(join(this.data, 'demo.json'), { force: true });
  }
}
