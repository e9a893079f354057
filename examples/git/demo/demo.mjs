// demo.mjs - the first two minutes: a live dashboard over sixteen years of commits, and some of them replayed now.
//
//   ./run demo [--reset] [--replay N] [--break store|all] [--data DIR] [--listen NAME=HOST:PORT]... [--no-open]
//
// Order  The program, then the page, then the history, then the replay: charts and ledger fill before one's eyes.
// Ends   At Ctrl-C: replay, then the program, each in order; what was sent stays in DATA, and the next demo goes on from there.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { breakDemo } from './breaking.mjs';
import { prepareHistory } from './history.mjs';
import { Program, command, note, query, runningDemo } from './program.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const project = dirname(here);
const root = resolve(project, '../..');
const binary = join(root, 'build/sluice');

function fail(message, code = 1) {
  console.error(`demo: ${message}`);
  process.exit(code);
}

function options() {
  try {
    const { values } = parseArgs({
      options: {
        data: { type: 'string', default: join(root, 'build/demo') },
        reset: { type: 'boolean', default: false },
        replay: { type: 'string' },
        break: { type: 'string' },
        listen: { type: 'string', multiple: true, default: [] },
        'no-open': { type: 'boolean', default: false },
      },
    });
    const listen = {};
    for (const text of values.listen) {
      const [, name, address] = /^(collect|web|sql)=(.+:\d+)$/.exec(text) ?? fail(`--listen ${text}: write NAME=HOST:PORT with NAME one of collect, web, sql`, 2);
      listen[name] = address;
    }
    if (values.replay !== undefined && !/^\d+$/.test(values.replay)) fail(`--replay ${values.replay}: a number of events, e.g. --replay 20`, 2);
    if (values.break !== undefined && !['store', 'all'].includes(values.break)) fail(`--break ${values.break}: store or all`, 2);
    return { ...values, data: resolve(values.data), listen };
  } catch (error) {
    return fail(error.message, 2);
  }
}

// Only an empty folder, or one that a demo made, is ever written to or cleared.
const MADE_BY_DEMO = 'made-by-demo';
function prepareFolder(data, clear) {
  const made = ['demo-shift.json', MADE_BY_DEMO].some((name) => existsSync(join(data, name)));
  if (!made && existsSync(data) && readdirSync(data).length > 0) {
    fail(`${data} holds other things and was not made by a demo: it is neither used nor cleared. Name another folder with --data.`);
  }
  if (clear) rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { recursive: true });
  writeFileSync(join(data, MADE_BY_DEMO), '');
}

function openPage(url, wanted) {
  if (!wanted || process.env.CI || !(process.env.DISPLAY || process.env.WAYLAND_DISPLAY)) return;
  spawn('xdg-open', [url], { stdio: 'ignore', detached: true }).on('error', () => {}).unref();
}

function linesToPaste({ collect, sql }, data) {
  const post = (body) => `curl -sS ${collect}/v1/events -H 'Authorization: Bearer demo' -H 'Content-Type: application/json' -d '${body}'; echo`;
  const again = `./run demo${data === join(root, 'build/demo') ? '' : ` --data ${data}`}`;
  return `
  Paste into another terminal:

  # a good event
  ${post('{"event":"page_viewed","user_id":"u_you","properties":{"page":"/pricing"}}')}
  # a bad one: on the page, under Quarantine, within a second
  ${post('{"event":"page_viewed","timestamp":"yesterday"}')}
  # a question in SQL
  curl -sS ${sql}/ --data-binary 'SELECT repo, sum(commits) AS commits, max(authors) AS most_authors_in_a_day FROM sluice.commits_daily GROUP BY repo ORDER BY commits DESC FORMAT PrettyCompact'
  # kill -9 the store, or everything, while events arrive
  ${again} --break store
  ${again} --break all

  Ctrl-C ends everything.
`;
}

// The replay's own write key: made once, kept for its owner alone.
async function replayKey(data) {
  const path = join(data, 'replay.key');
  if (existsSync(path)) return readFileSync(path, 'utf8').trim();
  const key = (await command(binary, data, 'keys', 'create', 'replay')).trim().split(/\s+/).at(-1);
  writeFileSync(path, `${key}\n`, { mode: 0o600 });
  chmodSync(path, 0o600);
  return key;
}

class Demo {
  constructor(settings) {
    this.settings = settings;
    this.program = new Program({ binary, project, data: settings.data, listen: settings.listen });
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

  async sendHistory() {
    const file = join(this.settings.data, 'history.ndjson');
    for (let attempt = 1; !this.ending; attempt++) {
      const { closed } = await this.child(binary, ['send', file, '--data', this.settings.data, '--source', 'history'], ['ignore', 'inherit', 'inherit']);
      const code = await closed;
      if (code === 0 || this.ending) return;
      if (attempt === 5) throw new Error(`sluice send ended with code ${code}, ${attempt} times`);
      await this.program.ready(); // it was killed in the middle: the rest is sent now
    }
  }

  // Resolves when the replay ended: with its totals, or null if it was told to stop.
  async replay(shift) {
    const { data } = this.settings;
    const rows = await query(binary, data, "SELECT DISTINCT message_id FROM sluice.events WHERE source = 'replay'");
    writeFileSync(join(data, 'replay-known.json'), JSON.stringify(rows.map((row) => row.message_id)));
    const args = [join(project, 'replay/replay.mjs'), '--host', this.program.addresses.collect, '--file', join(data, 'replay.ndjson'),
      '--journal', join(data, 'replay-journal.ndjson'), '--known', join(data, 'replay-known.json')];
    if (this.settings.replay !== undefined) args.push('--count', this.settings.replay);
    console.log(`replay: one of ${shift.replay - rows.length} held-back events every 2 s, through the Segment SDK`);
    const environment = { ...process.env, SLUICE_WRITE_KEY: await replayKey(data) };
    const { child, closed } = await this.child(process.execPath, args, ['ignore', 'pipe', 'inherit'], environment);
    let totals = null;
    for await (const line of createInterface({ input: child.stdout })) {
      const message = JSON.parse(line);
      if (message.done) totals = message;
    }
    const code = await closed;
    if (code !== 0 && !this.ending) throw new Error(`the replay ended with code ${code}`);
    return totals;
  }

  async run() {
    const { data } = this.settings;
    this.program.onEnd = (why) => this.end(1, `${why}:\n${this.program.lastWords()}`);
    await this.program.up();
    const page = `${this.program.addresses.web}/`;
    console.log(`\n  Page  ${page}\n`);
    openPage(page, !this.settings['no-open']);
    const shift = prepareHistory(join(project, 'data/commits.ndjson.gz'), data);
    note(data, 'Times of the git history ', `are shifted by ${shift.weeks} weeks, so that they end near today.`);
    note(data, 'The replay ', '');
    await this.program.ready();
    await this.sendHistory();
    if (this.ending) return;
    console.log(linesToPaste(this.program.addresses, data));
    const totals = await this.replay(shift);
    if (this.ending || !totals) return;
    console.log(`replay: ${totals.sent} sent, ${totals.acknowledged} acknowledged, ${totals.held} of them held back 45 s, ${totals.left} left`);
    if (totals.left === 0) {
      note(data, 'The replay ', 'has run out: nothing new arrives. ./run demo --reset starts anew.');
      console.log('replay: all held-back events were sent; the page keeps its numbers. ./run demo --reset starts anew.');
    }
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
  const settings = options();
  if (settings.break) {
    process.exit((await breakDemo(binary, settings.data, settings.break)) ? 0 : 1);
  }
  const other = runningDemo(settings.data);
  if (other) fail(`a demo already runs on ${settings.data} (process ${other.demo}); its page is ${other.web}. End it with Ctrl-C, or name another folder with --data.`);
  prepareFolder(settings.data, settings.reset);
  const demo = new Demo(settings);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => demo.end(0));
  try {
    await demo.run();
  } catch (error) {
    const taken = /in use|taken|EADDRINUSE/i.test(error.message) ? '\n./run demo --listen web=127.0.0.1:0 (or collect=…, sql=…) takes another port; 0 picks a free one.' : '';
    await demo.end(1, error.message + taken);
  }
}

main().catch((error) => fail(error.message));
