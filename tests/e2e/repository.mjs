// repository.mjs - one's own repository as events: examples/git/demo/repository.mjs on repositories made here, against events by hand.
//
//   node tests/e2e/repository.mjs      ends with 'N passed, M failed'
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareHistory } from '../../examples/git/demo/history.mjs';
import { inspectRepository, readRepository } from '../../examples/git/demo/repository.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const work = mkdtempSync(join(tmpdir(), 'sluice-repository-'));
let passed = 0;
let failed = 0;

async function check(name, body) {
  try {
    await body();
    passed += 1;
    console.log(`ok    ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}\n${error.stack.slice(0, 3000)}`);
  }
}

class Repository {
  constructor(name) {
    this.path = join(work, name);
    mkdirSync(this.path);
    this.git('init', '--quiet', '--initial-branch=main');
  }
  git(...args) {
    const environment = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null', ...this.as };
    return execFileSync('git', ['-C', this.path, ...args], { env: environment, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  }
  // One commit; its id.
  commit(files, [author, authored], [committer, landed], ...more) {
    for (const [path, content] of Object.entries(files)) writeFileSync(join(this.path, path), content);
    this.as = {
      GIT_AUTHOR_NAME: author, GIT_AUTHOR_EMAIL: `${author}@mail.example`, GIT_AUTHOR_DATE: authored,
      GIT_COMMITTER_NAME: committer, GIT_COMMITTER_EMAIL: `${committer}@mail.example`, GIT_COMMITTER_DATE: landed,
    };
    this.git('add', '--all');
    this.git('commit', '--quiet', '--no-gpg-sign', '--allow-empty', '-m', 'a change', ...more);
    return this.git('rev-parse', 'HEAD');
  }
}

const events = (file) => readFileSync(file, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line));
const read = async (path, name, most = 1000) => {
  const data = join(work, name);
  mkdirSync(data, { recursive: true });
  const file = join(data, 'repository.ndjson');
  return { data, file, ...(await readRepository(await inspectRepository(path), { file, data, most })) };
};

const one = new Repository('letters');
const ada = (at) => ['ada', at];
const bob = (at) => ['bob', at];
const ids = [
  one.commit({ 'a.txt': '1\n2\n3\n' }, ada('2024-03-01T10:00:00+01:00'), ada('2024-03-01T10:00:00+01:00')),
  one.commit({ 'a.txt': '1\n2\n', 'b\tc.txt': 'x\n', 'd.bin': Buffer.from([0, 1, 2, 0]) }, ada('2024-03-02T23:30:00-08:00'), bob('2024-03-04T09:00:00Z')),
  one.commit({}, ['renovate[bot]', '2024-03-05T00:00:00Z'], ['renovate[bot]', '2024-03-05T00:00:00Z']),
];

await check('each commit is written, and landed where somebody else put it in place', async () => {
  const { file, commits, left, people } = await read(one.path, 'a');
  assert.deepEqual([commits, left, people], [3, 0, 3]);
  const all = events(file);
  assert.deepEqual(all.map(({ event, messageId, timestamp }) => [event, messageId, timestamp]), [
    ['commit_authored', ids[0], '2024-03-01T10:00:00+01:00'],
    ['commit_authored', ids[1], '2024-03-02T23:30:00-08:00'],
    ['commit_landed', `${ids[1]}-l`, '2024-03-04T09:00:00+00:00'],
    ['commit_authored', ids[2], '2024-03-05T00:00:00+00:00'],
  ].map(([event, id, at]) => [event, id, at.replace('+00:00', all[2].timestamp.endsWith('Z') ? 'Z' : '+00:00')]));
  assert.deepEqual(all.map(({ properties }) => properties), [
    { repo: 'letters', files: 1, insertions: 3, deletions: 0, parents: 0 },
    { repo: 'letters', files: 3, insertions: 1, deletions: 1, parents: 1 },
    { repo: 'letters', author: all[0].user_id },
    { repo: 'letters', files: 0, insertions: 0, deletions: 0, parents: 1 },
  ]);
  assert.deepEqual(all.map(({ context }) => context.bot), [false, false, false, true]);
});

await check('people are keyed hashes: the same person is one, and no name or address is in any file', async () => {
  const { data, file } = await read(one.path, 'a');
  const [first, second, landed] = events(file);
  assert.match(first.user_id, /^u_[0-9a-f]{12}$/);
  assert.match(first.anonymous_id, /^dev_[0-9a-f]{12}$/);
  assert.equal(first.user_id, second.user_id);
  assert.notEqual(first.user_id, landed.user_id);
  assert.equal(statSync(join(data, 'people.key')).mode & 0o777, 0o600);
  prepareHistory(file, data, Date.parse('2024-03-20T00:00:00Z'));
  for (const name of ['repository.ndjson', 'history.ndjson', 'replay.ndjson']) {
    assert.doesNotMatch(readFileSync(join(data, name), 'utf8'), /ada|bob|mail\.example|renovate/);
  }
  const other = await read(one.path, 'b');
  assert.notEqual(events(other.file)[0].user_id, first.user_id, 'another key, other hashes');
});

await check('times move by whole weeks, and an event of the future does not hold the others back', async () => {
  const clocks = new Repository('clocks');
  clocks.commit({ 'a': '1' }, ada('2024-03-01T10:00:00+01:00'), ada('2024-03-01T10:00:00+01:00'));
  clocks.commit({ 'a': '2' }, ada('2037-01-01T00:00:00+00:00'), ada('2037-01-01T00:00:00+00:00'));
  const { data, file } = await read(clocks.path, 'c');
  const { weeks } = prepareHistory(file, data, Date.parse('2024-03-22T09:30:00Z'));
  assert.equal(weeks, 3);
});

await check('of a long history the newest are taken, and the rest is counted', async () => {
  const { file, commits, left } = await read(one.path, 'd', 2);
  assert.deepEqual([commits, left], [2, 1]);
  assert.deepEqual(events(file).map((event) => event.messageId), [ids[1], `${ids[1]}-l`, ids[2]]);
});

await check('a folder inside a checkout, and a bare clone, are that repository', async () => {
  mkdirSync(join(one.path, 'inside'));
  assert.equal((await inspectRepository(join(one.path, 'inside'))).path, one.path);
  one.git('clone', '--quiet', '--bare', one.path, join(work, 'bare.git'));
  const { name, commits } = await inspectRepository(join(work, 'bare.git'));
  assert.deepEqual([name, commits], ['bare', 3]);
});

await check('what is no repository, or has no commit, is told in one sentence before anything starts', async () => {
  const plain = join(work, 'plain');
  mkdirSync(plain);
  writeFileSync(join(work, 'file'), '');
  const empty = new Repository('empty');
  for (const [path, words] of [
    [join(work, 'nothing'), /there is no such folder/], [join(work, 'file'), /this is a file/], [plain, /no git repository; name the folder/],
    [empty.path, /has no commit yet/],
  ]) {
    const data = join(work, 'never');
    const done = spawnSync(process.execPath, ['examples/demo/demo.mjs', '--repo', path, '--data', data, '--no-open'],
      { cwd: root, encoding: 'utf8', env: { ...process.env, GIT_CEILING_DIRECTORIES: work } });
    assert.equal(done.status, 2, done.stderr);
    assert.match(done.stderr, words);
    assert.equal(done.stderr.trim().split('\n').length, 1, done.stderr);
    assert.throws(() => statSync(data));
  }
  const without = spawnSync(process.execPath, ['examples/demo/demo.mjs', '--repo', one.path, '--no-open'], { cwd: root, encoding: 'utf8', env: { PATH: plain } });
  assert.equal(without.status, 2);
  assert.match(without.stderr, /git is not installed/);
});

rmSync(work, { recursive: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
