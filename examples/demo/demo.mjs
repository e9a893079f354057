// demo.mjs - the first two minutes: a live dashboard over an example's history, and events that arrive now.
//
//   ./run demo [git|shop] [--reset] [--replay N] [--break store|all] [--data DIR] [--listen NAME=HOST:PORT]... [--no-open]
//   ./run demo --repo DIR [--commits N]: git, over the reader's own repository
//
// Order    The program, then the page, then the history, then what arrives now: charts and ledger fill before one's eyes.
// Ends     At Ctrl-C: what sends, then the program, each in order; what was sent stays in DATA, and the next demo goes on from there.
// Example  examples/NAME/demo/example.mjs says what differs: `options` for parseArgs; settle(values, root) -> {project, folder, again,
//          source, paste}; prepare(demo) -> the history file and the page's notes; live(demo, prepared) sends what arrives now.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { breakDemo } from './breaking.mjs';
import { Program, note, runningDemo } from './program.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const binary = join(root, 'build/sluice');
const EXAMPLES = ['git', 'shop'];

function fail(message, code = 1) {
  console.error(`demo: ${message}`);
  process.exit(code);
}

async function options() {
  const named = process.argv.length > 2 && !process.argv[2].startsWith('-');
  const name = named ? process.argv[2] : EXAMPLES[0];
  if (!EXAMPLES.includes(name)) fail(`no example '${name}': ${EXAMPLES.join(' or ')}`, 2);
  const example = await import(`../${name}/demo/example.mjs`);
  try {
    const { values } = parseArgs({
      args: process.argv.slice(named ? 3 : 2),
      options: {
        data: { type: 'string' },
        reset: { type: 'boolean', default: false },
        replay: { type: 'string' },
        break: { type: 'string' },
        listen: { type: 'string', multiple: true, default: [] },
        'no-open': { type: 'boolean', default: false },
        ...example.options,
      },
    });
    const listen = {};
    for (const text of values.listen) {
      const [, listener, address] = /^(collect|web|sql)=(.+:\d+)$/.exec(text) ?? fail(`--listen ${text}: write NAME=HOST:PORT with NAME one of collect, web, sql`, 2);
      listen[listener] = address;
    }
    if (values.replay !== undefined && !/^\d+$/.test(values.replay)) fail(`--replay ${values.replay}: a number of events, e.g. --replay 20`, 2);
    if (values.break !== undefined && !['store', 'all'].includes(values.break)) fail(`--break ${values.break}: store or all`, 2);
    const settled = await example.settle(values, root);
    const standard = join(root, 'build', settled.folder);
    const data = resolve(values.data ?? standard);
    const again = `${settled.again}${data === standard ? '' : ` --data ${data}`}`;
    return { ...values, ...settled, example, data, again, listen };
  } catch (error) {
    return fail(error.message, 2);
  }
}

// Only an empty folder, or one that a demo made, is ever written to or cleared.
const MADE_BY_DEMO = 'made-by-demo';
function prepareFolder({ data, reset, again }) {
  const made = ['demo-shift.json', MADE_BY_DEMO].some((name) => existsSync(join(data, name)));
  if (!made && existsSync(data) && readdirSync(data).length > 0) {
    fail(`${data} holds other things and was not made by a demo: it is neither used nor cleared. Name another folder with --data.`);
  }
  if (reset) rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { recursive: true });
  writeFileSync(join(data, MADE_BY_DEMO), `${again}\n`);
}

function openPage(url, wanted) {
  if (!wanted || process.env.CI || !(process.env.DISPLAY || process.env.WAYLAND_DISPLAY)) return;
  spawn('xdg-open', [url], { stdio: 'ignore', detached: true }).on('error', () => {}).unref();
}

function linesToPaste({ collect, sql }, { again, paste }) {
  const post = (body) => `curl -sS ${collect}/v1/events -H 'Authorization: Bearer demo' -H 'Content-Type: application/json' -d '${body}'; echo`;
  return `
  Paste into another terminal:

  # a good event
  ${post(paste.event)}
  # a bad one: on the page, under Quarantine, within a second
  ${post('{"event":"page_viewed","timestamp":"yesterday"}')}
  # a question in SQL
  curl -sS ${sql}/ --data-binary '${paste.question} FORMAT PrettyCompact'
  # kill -9 the store, or everything, while events arrive
  ${again} --break store
  ${again} --break all

  Ctrl-C ends everything.
`;
}

class Demo {
  constructor(settings) {
    this.settings = settings;
    this.root = root;
    this.binary = binary;
    this.program = new Program({ binary, project: settings.project, data: settings.data, listen: settings.listen });
    this.children = new Set();
    this.ending = false;
  }

  // Runs a command that shows its own progress; resolves with its exit code.
  async child(command, args, stdio, environment = process.env) {
    const child = spawn(command, args, { stdio, env: environment, detached: true });
    this.children.add(child);
    const closed = new Promise((done) => child.on('close', done).on('error', () => done(127)));
    closed.finally(() => this.children.delete(child));
    return { child, closed };
  }

  async sendHistory(file) {
    const { data, source } = this.settings;
    for (let attempt = 1; !this.ending; attempt++) {
      const { closed } = await this.child(binary, ['send', file, '--data', data, '--source', source], ['ignore', 'inherit', 'inherit']);
      const code = await closed;
      if (code === 0 || this.ending) return;
      if (attempt === 5) throw new Error(`sluice send ended with code ${code}, ${attempt} times`);
      await this.program.ready(); // it was killed in the middle: the rest is sent now
    }
  }

  async run() {
    const { data, example } = this.settings;
    this.program.onEnd = (why) => this.end(1, `${why}:\n${this.program.lastWords()}`);
    await this.program.up();
    const page = `${this.program.addresses.web}/`;
    console.log(`\n  Page  ${page}\n`);
    openPage(page, !this.settings['no-open']);
    const prepared = await example.prepare(this);
    if (this.ending) return;
    for (const [beginning, text] of prepared.notes) note(data, beginning, text);
    await this.program.ready();
    await this.sendHistory(prepared.file);
    if (this.ending) return;
    console.log(linesToPaste(this.program.addresses, this.settings));
    await example.live(this, prepared);
  }

  async end(code, why) {
    if (this.ending) return;
    this.ending = true;
    if (why) console.error(`demo: ${why}`);
    for (const child of this.children) child.kill('SIGTERM');
    await this.program.stop();
    process.exit(code);
  }
}

async function main() {
  const settings = await options();
  if (settings.break) {
    process.exit((await breakDemo(binary, settings.data, settings.break)) ? 0 : 1);
  }
  const other = runningDemo(settings.data);
  if (other) fail(`a demo already runs on ${settings.data} (process ${other.demo}); its page is ${other.web}. End it with Ctrl-C, or name another folder with --data.`);
  prepareFolder(settings);
  const demo = new Demo(settings);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => demo.end(0));
  try {
    await demo.run();
  } catch (error) {
    const taken = /in use|taken|EADDRINUSE/i.test(error.message) ? `\n${settings.again} --listen web=127.0.0.1:0 (or collect=…, sql=…) takes another port; 0 picks a free one.` : '';
    await demo.end(1, error.message + taken);
  }
}

main().catch((error) => fail(error.message));
