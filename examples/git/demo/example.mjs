// example.mjs - the demo over git histories: three projects', or with --repo the reader's own. For examples/demo/demo.mjs.
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { command, note, query } from '../../demo/program.mjs';
import { prepareHistory } from './history.mjs';
import { inspectRepository, readRepository } from './repository.mjs';

const project = dirname(dirname(fileURLToPath(import.meta.url)));
const COMMITS_MAX = 50_000;

export const options = { repo: { type: 'string' }, commits: { type: 'string' } };

const counted = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

const paste = {
  event: '{"event":"page_viewed","user_id":"u_you","properties":{"page":"/pricing"}}',
  question: 'SELECT repo, sum(commits) AS commits, max(authors) AS most_authors_in_a_day FROM sluice.commits_daily GROUP BY repo ORDER BY commits DESC',
};

export async function settle({ repo, commits }) {
  if (commits !== undefined && !/^[1-9]\d*$/.test(commits)) throw new Error(`--commits ${commits}: a number, e.g. --commits 200000`);
  const settled = { project, source: 'history', paste };
  if (repo === undefined) {
    if (commits !== undefined) throw new Error('--commits goes with --repo DIR');
    return { ...settled, folder: 'demo', again: './run demo' };
  }
  const repository = await inspectRepository(resolve(repo));
  const folder = `demo-repo-${createHash('sha256').update(repository.path).digest('hex').slice(0, 8)}`;
  return { ...settled, repository, folder, again: `./run demo --repo '${repository.path}'`, most: Number(commits ?? COMMITS_MAX) };
}

export async function prepare({ settings }) {
  const { data, repository, most } = settings;
  const said = [];
  let source = join(project, 'data/commits.ndjson.gz');
  if (repository) {
    source = join(data, 'repository.ndjson');
    const read = await readRepository(repository, { file: source, data, most });
    const part = read.left > 0 ? `the newest ${read.commits} of ${read.commits + read.left} commits (--commits N with --reset takes more)` : counted(read.commits, 'commit');
    console.log(`repository ${repository.name}: ${part}, by ${counted(read.people, 'person', 'people')}; names and addresses stay here, only keyed hashes are sent.`);
    said.push(['The repository ', `${repository.name} is shown: ${part}.`]);
  }
  const shift = prepareHistory(source, data);
  said.push(['Times of the git history ', `are shifted by ${shift.weeks} weeks, so that they end near today.`], ['The replay ', '']);
  return { file: join(data, 'history.ndjson'), notes: said, shift };
}

// The replay's own write key: made once, kept for its owner alone.
async function replayKey({ binary, settings: { data } }) {
  const path = join(data, 'replay.key');
  if (existsSync(path)) return readFileSync(path, 'utf8').trim();
  const key = (await command(binary, data, 'keys', 'create', 'replay')).trim().split(/\s+/).at(-1);
  writeFileSync(path, `${key}\n`, { mode: 0o600 });
  chmodSync(path, 0o600);
  return key;
}

// Resolves when the replay ended: with its totals, or null if it was told to stop.
async function replay(demo, shift) {
  const { data, replay: count } = demo.settings;
  const rows = await query(demo.binary, data, "SELECT DISTINCT message_id FROM sluice.events WHERE source = 'replay'");
  writeFileSync(join(data, 'replay-known.json'), JSON.stringify(rows.map((row) => row.message_id)));
  const args = [join(project, 'replay/replay.mjs'), '--host', demo.program.addresses.collect, '--file', join(data, 'replay.ndjson'),
    '--journal', join(data, 'replay-journal.ndjson'), '--known', join(data, 'replay-known.json')];
  if (count !== undefined) args.push('--count', count);
  console.log(`replay: one of ${shift.replay - rows.length} held-back events every 2 s, through the Segment SDK`);
  const environment = { ...process.env, SLUICE_WRITE_KEY: await replayKey(demo) };
  const { child, closed } = await demo.child(process.execPath, args, ['ignore', 'pipe', 'inherit'], environment);
  let totals = null;
  for await (const line of createInterface({ input: child.stdout })) {
    const message = JSON.parse(line);
    if (message.done) totals = message;
  }
  const code = await closed;
  if (code !== 0 && !demo.ending) throw new Error(`the replay ended with code ${code}`);
  return totals;
}

export async function live(demo, { shift }) {
  const { data, again } = demo.settings;
  const totals = await replay(demo, shift);
  if (demo.ending || !totals) return;
  console.log(`replay: ${totals.sent} sent, ${totals.acknowledged} acknowledged, ${totals.held} of them held back 45 s, ${totals.left} left`);
  if (totals.left === 0) {
    note(data, 'The replay ', `has run out: nothing new arrives. ${again} --reset starts anew.`);
    console.log(`replay: all held-back events were sent; the page keeps its numbers. ${again} --reset starts anew.`);
  }
}
