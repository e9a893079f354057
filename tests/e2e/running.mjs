// running.mjs - `./run demo` as a person runs it: a process group of its own, its words, and Ctrl-C.
//
// Promise  Every process that a Demo started, directly or not, is ended by stop(), by its id.
// Errors   A wait that runs out says what the demo had said by then.
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const alive = (pid) => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z';
  } catch {
    return false;
  }
};

// Processes that are children of `root`, of those, and so on; and those whose command line names `folder`, whoever started them.
export function processesOf(root, folder) {
  const parents = new Map();
  const found = new Set();
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state === 'Z' || Number(name) === process.pid) continue;
      parents.set(Number(name), Number(parent));
      if (readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(folder)) found.add(Number(name));
    } catch {
      // It ended while we looked.
    }
  }
  for (const pid of parents.keys()) {
    for (let at = pid; at > 1; at = parents.get(at) ?? 0) if (at === root) found.add(pid);
  }
  return [...found];
}

// Runs a command to its end: {code, out}. It is ended after `seconds`.
export async function run(command, args, { cwd, input = '', seconds = 60, environment = process.env } = {}) {
  const child = spawn(command, args, { cwd, stdio: ['pipe', 'pipe', 'pipe'], timeout: seconds * 1000, env: environment });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => { out += chunk; });
  child.stderr.setEncoding('utf8').on('data', (chunk) => { err += chunk; });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code, signal] = await new Promise((resolve, reject) => child.on('close', (...how) => resolve(how)).on('error', reject));
  return { code: signal ?? code, out, err };
}

export class Demo {
  constructor(root, data, ...options) {
    this.data = data;
    this.text = '';
    this.started = Date.now();
    this.child = spawn('./run', ['demo', '--data', data, '--no-open', ...options], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    for (const stream of [this.child.stdout, this.child.stderr]) stream.setEncoding('utf8').on('data', (chunk) => { this.text += chunk; });
    this.ended = new Promise((resolve) => this.child.on('close', (code, signal) => resolve(signal ?? code)));
    this.code = null;
    this.ended.then((code) => { this.code = code; });
  }

  // Waits until the demo's words match; returns the match.
  async says(pattern, seconds) {
    for (const end = Date.now() + seconds * 1000; ;) {
      const match = pattern.exec(this.text);
      if (match) return match;
      if (this.code !== null) throw new Error(`the demo ended with ${this.code} before it said ${pattern}:\n${this.text}`);
      if (Date.now() > end) throw new Error(`the demo did not say ${pattern} within ${seconds} s:\n${this.text}`);
      await delay(20);
    }
  }

  processes() {
    return processesOf(this.child.pid, this.data);
  }

  argumentsOf(pid) {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    } catch {
      return [];  // it ended
    }
  }

  // What a terminal does at Ctrl-C. Resolves with {code, seconds, left}: left are processes of the demo that still live after it ended.
  async interrupt(seconds = 60) {
    const before = this.processes();
    const at = Date.now();
    process.kill(-this.child.pid, 'SIGINT');
    const code = await Promise.race([this.ended, delay(seconds * 1000, 'still there', { ref: false })]);
    const left = [...new Set([...before.filter(alive), ...this.processes()])];
    return { code, seconds: (Date.now() - at) / 1000, left, before: before.length };
  }

  // Only for a test that failed: everything that is left, by its id.
  async stop() {
    for (const signal of ['SIGTERM', 'SIGKILL']) {
      const left = [...new Set([...(this.code === null ? [this.child.pid] : []), ...this.processes()])].filter(alive);
      for (const pid of left) {
        try {
          process.kill(pid, signal);
        } catch {
          // It ended meanwhile.
        }
      }
      for (const end = Date.now() + 8000; left.some(alive) && Date.now() < end;) await delay(50);
    }
  }
}
