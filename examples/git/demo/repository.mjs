// repository.mjs - one's own git repository as events, named as those of data/commits.ndjson.gz are.
//
// Events   commit_authored (the author's clock) for each commit, and commit_landed (the committer's) where somebody else, or the same person
//          later, put it in place; in the order of the history. People are u_ and dev_ with a keyed hash of their address; the key is
//          drawn once, lies in DATA/people.key for its owner alone, and leaves the machine as little as names and addresses do.
// Promise  The repository is only read: `git log` of what is checked out, without its hooks, filters, signatures or external programs.
// Bounds   The newest `most` commits; one line of git's output at a time; a path of any length is not kept.
// Errors   No git, no repository, no commit: said in one sentence each, with what to do. What git itself says is passed on.
import { spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { chmodSync, createWriteStream, existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';

const SETTINGS = ['-c', 'core.fsmonitor=false', '-c', 'log.showSignature=false', '-c', 'log.mailmap=false', '-c', 'core.quotePath=true'];
const WORDS_MAX = 4096;
const BOT = /\[bot\]|\bbot\b|-bot@|dependabot|renovate|github-actions/i;

// Starts git in `path`; its output as lines, and a promise of {code, words}.
function git(path, args) {
  const environment = { ...process.env, GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' };
  const child = spawn('git', ['-C', path, ...SETTINGS, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: environment });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (chunk) => { words = (words + chunk).slice(-WORDS_MAX); });
  const ended = new Promise((resolve) => {
    child.on('error', (error) => resolve({ code: 127, words: error.code === 'ENOENT' ? 'git is not installed' : error.message }));
    child.on('close', (code) => resolve({ code, words: words.trim() }));
  });
  return { lines: createInterface({ input: child.stdout, crlfDelay: Infinity }), ended };
}

async function answer(path, ...args) {
  const { lines, ended } = git(path, args);
  const said = [];
  for await (const line of lines) if (said.length < 10) said.push(line);
  return { ...(await ended), text: said.join('\n') };
}

// {path, name, commits} of the repository that DIR lies in; throws with a sentence for people.
export async function inspectRepository(path) {
  if (!existsSync(path)) throw new Error(`--repo ${path}: there is no such folder`);
  if (!statSync(path).isDirectory()) throw new Error(`--repo ${path}: this is a file; name the folder of a git repository`);
  const top = await answer(path, 'rev-parse', '--show-toplevel', '--absolute-git-dir');
  let found = top.code === 0 ? top.text.split('\n')[0] : '';
  if (top.code !== 0) {
    const bare = await answer(path, 'rev-parse', '--is-bare-repository');
    if (bare.code !== 0 || bare.text !== 'true') {
      const why = /not a git repository/i.test(top.words) ? 'this is no git repository; name the folder of a checkout, or of a clone --bare' : top.words;
      throw new Error(`--repo ${path}: ${why}`);
    }
    found = (await answer(path, 'rev-parse', '--absolute-git-dir')).text;
  }
  if ((await answer(found, 'rev-parse', '--verify', '--quiet', 'HEAD^{commit}')).code !== 0) {
    throw new Error(`--repo ${found}: the repository has no commit yet on what is checked out; commit something, or check out a branch that has a history`);
  }
  const counted = await answer(found, 'rev-list', '--count', 'HEAD');
  if (counted.code !== 0) throw new Error(`--repo ${found}: git cannot count its commits: ${counted.words}`);
  return { path: found, name: basename(found).replace(/\.git$/, '') || 'repository', commits: Number(counted.text) };
}

// The key that makes people's hashes: drawn once for a data folder.
function peopleKey(data) {
  const path = join(data, 'people.key');
  if (!existsSync(path)) {
    writeFileSync(path, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
    chmodSync(path, 0o600);
  }
  return Buffer.from(readFileSync(path, 'utf8').trim(), 'hex');
}

// Fields are divided by NUL, which no name can hold.
const FORMAT = '%x00%H%x00%P%x00%aI%x00%cI%x00%ae%x00%ce%x00%an%x00%cn';

function eventsOf(commit, hash) {
  const { id, parents, authored, landed, author, committer, authorName, committerName } = commit;
  const person = (address) => ({ user_id: `u_${hash('user', address)}`, anonymous_id: `dev_${hash('device', address)}` });
  const context = (address, name) => ({ bot: BOT.test(address) || BOT.test(name) });
  const events = [{
    event: 'commit_authored', messageId: id, timestamp: authored, ...person(author),
    properties: { repo: commit.repo, files: commit.files, insertions: commit.insertions, deletions: commit.deletions, parents },
    context: context(author, authorName),
  }];
  if (author !== committer || authored !== landed) {
    events.push({ event: 'commit_landed', messageId: `${id}-l`, timestamp: landed, ...person(committer),
      properties: { repo: commit.repo, author: `u_${hash('user', author)}` }, context: context(committer, committerName) });
  }
  return events;
}

// Writes FILE, one event a line, unless it is there; {commits, left, people}.
export async function readRepository({ path, name, commits: all }, { file, data, most }) {
  const about = `${file}.json`;
  if (existsSync(file) && existsSync(about)) return JSON.parse(readFileSync(about, 'utf8'));
  const key = peopleKey(data);
  const hash = (what, address) => createHmac('sha256', key).update(`${what} ${address.toLowerCase()}`).digest('hex').slice(0, 12);
  const { lines, ended } = git(path, ['log', '--reverse', `--max-count=${most}`, '--numstat', '--no-renames', '--no-ext-diff', '--no-textconv',
    '--no-color', `--format=${FORMAT}`, 'HEAD', '--']);
  const out = createWriteStream(`${file}.new`);
  const people = new Set();
  let commit = null;
  let commits = 0;
  const finish = async () => {
    if (!commit) return;
    commits += 1;
    people.add(commit.author).add(commit.committer);
    for (const event of eventsOf(commit, hash)) if (!out.write(`${JSON.stringify(event)}\n`)) await once(out, 'drain');
    if (process.stderr.isTTY && commits % 500 === 0) process.stderr.write(`\rgit log: ${commits} of ${Math.min(all, most)} commits`);
  };
  for await (const line of lines) {
    if (line.startsWith('\0')) {
      await finish();
      const [, id, parents, authored, landed, author, committer, authorName, committerName] = line.split('\0');
      commit = { repo: name, id, parents: parents === '' ? 0 : parents.split(' ').length, authored, landed, author, committer, authorName,
        committerName, files: 0, insertions: 0, deletions: 0 };
    } else if (commit) {
      const [, added, removed] = /^(\d+|-)\t(\d+|-)\t/.exec(line) ?? [];
      if (added === undefined) continue;
      commit.files += 1;
      commit.insertions += Number(added) || 0; // of a binary file git says '-'
      commit.deletions += Number(removed) || 0;
    }
  }
  await finish();
  if (process.stderr.isTTY && commits >= 500) process.stderr.write('\r\x1b[K');
  out.end();
  await once(out, 'close');
  const { code, words } = await ended;
  if (code !== 0) throw new Error(`git log of ${path} ended with ${code}: ${words}`);
  renameSync(`${file}.new`, file);
  const read = { commits, left: Math.max(0, all - commits), people: people.size };
  writeFileSync(about, `${JSON.stringify(read)}\n`);
  return read;
}
