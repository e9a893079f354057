// demo.mjs - the first two minutes, as a person has them: runs ./run demo, looks at its page in headless Chromium, pastes what it
// prints, kills it, and compares every number with expected.py.
//
//   node tests/e2e/demo.mjs [--counts FILE] [--picture FILE]
//   --counts: 'passed failed' is written there. --picture: the first dashboard, 1440 px, light, as a PNG.
//
// Order    Each check builds on the ones before; one that fails leaves pictures of all pages and the demo's words in a folder that is
//          named, and the next ones still run.
// Bounds   Waits have deadlines; all of it takes 3 to 6 minutes.
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { launch } from '../../web/e2e/browser.mjs';
import {
  openPage, readBuckets, readEvents, readHeader, readLedger, readRejects, readStats, readTable, seriousIssues, until, verifyPanel, waitForLoaded,
} from '../../web/e2e/page.mjs';
import { Demo, run } from './running.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const binary = join(root, 'build/sluice');
const work = mkdtempSync(join(tmpdir(), 'sluice-e2e-'));
const data = join(work, 'data');
const kept = join(work, 'failed');
const freePorts = ['collect', 'web', 'sql'].flatMap((name) => ['--listen', `${name}=127.0.0.1:0`]);
const { values: options } = parseArgs({ options: { counts: { type: 'string' }, picture: { type: 'string' } } });

let passed = 0;
let failed = 0;
const demos = [];
const browser = await launch();
const pages = [];

function start(...more) {
  const demo = new Demo(root, ...more);
  demos.push(demo);
  return demo;
}

async function look(url, settings) {
  const page = await openPage(browser, url, settings);
  pages.push(page);
  return page;
}

async function keepPictures(name) {
  mkdirSync(kept, { recursive: true });
  const file = (more) => join(kept, `${name.replace(/\W+/g, '-').slice(0, 60)}-${more}`);
  for (const [index, page] of pages.entries()) {
    if (!page.isClosed()) await page.screenshot({ path: file(`${index}.png`), fullPage: true }).catch(() => {});
  }
  for (const [index, demo] of demos.entries()) writeFileSync(file(`demo-${index}.log`), demo.text, { flag: 'w' });
  if (existsSync(join(data, 'up.log'))) cpSync(join(data, 'up.log'), file('up.log'));
}

// One check: its name is what must be true; what it returns is printed beside it.
async function check(name, body) {
  const begun = Date.now();
  const seconds = () => `${((Date.now() - begun) / 1000).toFixed(1)} s`;
  try {
    const detail = await body();
    passed += 1;
    console.log(`ok    ${name} (${seconds()})${detail ? `: ${detail}` : ''}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name} (${seconds()})\n${error.stack.slice(0, 6000)}`);
    await keepPictures(name);
  }
}

const lines = (path) => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []).map((line) => JSON.parse(line));
const journal = () => lines(join(data, 'replay-journal.ndjson'));

// Told to end, or broken itself: no demo stays behind.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => abandon(`ended by ${signal}`));
process.on('uncaughtException', (error) => abandon(error.stack));
async function abandon(why) {
  console.log(`FAIL  ${why}`);
  for (const one of demos) await one.stop();
  process.exit(1);
}

let addresses = {};
async function sql(statement) {
  const response = await fetch(addresses.sql, { method: 'POST', body: `${statement} FORMAT JSON`, signal: AbortSignal.timeout(20_000) });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${statement}: ${response.status} ${text}`);
  return JSON.parse(text).data;
}

// The line under the page's question that matches.
async function note(page, pattern) {
  const read = () => page.$$eval('[data-note]', (all) => all.map((one) => one.textContent));
  return (await until(`a note ${pattern}`, read, (all) => all.some((text) => pattern.test(text)))).find((text) => pattern.test(text));
}

// ---- the page against Python

let project;
let expected;
const panelsOf = (kind) => project.dashboards.flatMap((board) => board.rows.flat()).filter((panel) => panel.kind === kind);

async function shownNumbers(page, board) {
  const shown = {};
  for (const one of await readStats(page)) shown[one.panel] = { start: one.start, end: one.end, value: one.value };
  for (const panel of board.rows.flat().filter((one) => one.id in expected.panels)) {
    if (panel.kind === 'table') {
      const names = panel.columns.filter((name) => name !== 'repo');
      const cells = (row) => Object.fromEntries(names.map((name) => [name, row.cells[name]]));
      shown[panel.id] = { rows: Object.fromEntries((await readTable(page, panel.id)).map((row) => [row.cells.repo, cells(row)])) };
    } else if (panel.kind === 'timeseries') {
      const points = {};
      for (const bucket of await readBuckets(page, panel.id, { all: true })) {
        for (const one of bucket.values) if (one.value !== null) points[[bucket.start, ...one.key].join(' ')] = one.value;
      }
      shown[panel.id] = { points };
    }
  }
  return shown;
}

// What is wrong, in few words: a whole chart in a message helps nobody.
function differences(shown, board) {
  const found = [];
  const compare = (path, is, should) => {
    if (should !== null && typeof should === 'object') {
      for (const key of new Set([...Object.keys(should), ...Object.keys(is ?? {})])) compare(`${path} ${key}`, is?.[key], should[key]);
    } else if (is !== should) found.push(`${path}: ${is}, expected ${should}`);
  };
  for (const panel of board.rows.flat()) if (panel.id in expected.panels) compare(panel.id, shown[panel.id], expected.panels[panel.id]);
  return found;
}

const leaves = (value) => (value !== null && typeof value === 'object' ? Object.values(value).reduce((sum, one) => sum + leaves(one), 0) : 1);

async function everyNumberIsRight(page, seconds) {
  for (const board of project.dashboards) {
    await page.click(`nav a[href="/d/${board.name}"]`);
    await waitForLoaded(page);
    const wrong = async () => differences(await shownNumbers(page, board), board).slice(0, 8);
    await until(`the numbers of ${board.name}`, wrong, (found) => found.length === 0, seconds * 1000);
  }
  return `${leaves(expected.panels)} numbers in ${Object.keys(expected.panels).length} panels`;
}

// ---- what the page says while processes are killed: each text that any watched element had, as it changes

async function watch(page) {
  await page.evaluate(() => {
    const said = new Set();
    const read = () => {
      for (const one of document.querySelectorAll('[data-notice], [data-connection], [data-note]')) said.add(one.textContent);
      for (const one of document.querySelectorAll('[data-kind="stat"]')) said.add(`stat ${one.dataset.panel} ${one.dataset.value}`);
    };
    globalThis.watched = said;
    globalThis.watcher?.disconnect();
    globalThis.watcher = new MutationObserver(read);
    globalThis.watcher.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
    read();
  });
}
const said = (page) => page.evaluate(() => [...(globalThis.watched ?? ['the page was loaded anew'])]);

async function breaks(page, what) {
  const before = await readStats(page);
  await watch(page);
  const line = new RegExp(`^ *(\\./run demo .*--break ${what})$`, 'm').exec(demo.text)[1];
  const { code, out, err } = await run('bash', ['-c', line], { cwd: root, seconds: 120 });
  assert.equal(code, 0, `${out}${err}`);
  const [result, lost, doubled] = /^(\d+) lost, (\d+) doubled, back in [\d.]+ s$/m.exec(out) ?? assert.fail(`no result: ${out}${err}`);
  assert.deepEqual([lost, doubled], ['0', '0']);
  const killed = /^kill -9 ([\d ]+):/m.exec(out)[1].split(' ').length;
  assert.equal(killed, what === 'all' ? 2 : 1);
  await until('live again', () => readHeader(page), (header) => header.connection === 'live' && header.status === 'ready');
  const texts = await said(page);
  assert.ok(!texts.includes('the page was loaded anew'));
  for (const { panel, value } of before) {
    assert.deepEqual(texts.filter((text) => text.startsWith(`stat ${panel} `)), [`stat ${panel} ${value}`], 'a number that stays');
  }
  // With everything gone the page has nobody to ask what waits: it says that its numbers stand still.
  const words = texts.find((text) => (what === 'store' ? /\d+ events? waits?/ : /^reconnecting, numbers as of/).test(text));
  assert.ok(words, `what the page said: ${JSON.stringify(texts)}`);
  return `${result}; the page said '${words}' and '${await note(page, new RegExp(result))}'`;
}

// ---- the story

let demo;
let page;

await check('a taken port is named, with the option that changes it', async () => {
  const taken = createServer();
  await new Promise((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address();
  const other = start(join(work, 'taken'), ...freePorts.map((one) => (one.startsWith('web=') ? `web=127.0.0.1:${port}` : one)));
  const code = await Promise.race([other.ended, delay(120_000, 'still running', { ref: false })]);
  taken.close();
  assert.equal(code, 1, other.text);
  assert.match(other.text, new RegExp(`127\\.0\\.0\\.1:${port}`));
  assert.match(other.text, /--listen web=127\.0\.0\.1:0/);
  assert.deepEqual(other.processes(), []);
  return other.text.split('\n').find((line) => line.includes(String(port)));
});

await check('the page opens before the data', async () => {
  demo = start(data, '--replay', '400', ...freePorts);
  const [, url] = await demo.says(/Page\s+(http:\/\/\S+)/, 120);
  // The one who sends holds its breath, so that a slow browser is not late.
  process.kill(demo.child.pid, 'SIGSTOP');
  try {
    addresses = { ...JSON.parse(readFileSync(join(data, 'demo.json'), 'utf8')), page: url };
    const shown = (Date.now() - demo.started) / 1000;
    page = await look(url, { colorScheme: 'light' });
    await page.waitForSelector('[data-guide]');
    const early = await until('a ledger', () => readLedger(page), (ledger) => ledger !== null);
    assert.equal(early.received, 0);
    return `its address after ${shown.toFixed(1)} s; the ledger line said '${early.text}'`;
  } finally {
    process.kill(demo.child.pid, 'SIGCONT');
  }
});

await check('every stat, table and chart shows the numbers that Python computes', async () => {
  await demo.says(/Paste into another terminal/, 120);
  const sent = Date.now();
  project = await (await fetch(new URL('/api/project', addresses.page))).json();
  const script = ['tests/e2e/expected.py', 'examples/git/data/commits.ndjson.gz', data];
  const { code, out, err } = await run('python3', script, { cwd: root, input: JSON.stringify(project) });
  assert.equal(code, 0, err);
  expected = JSON.parse(out);
  assert.equal(expected.shift_is_largest, true);
  assert.deepEqual([expected.all, expected.held, expected.history], [49_695, 620, 49_075]);
  for (const panel of [...panelsOf('stat'), ...panelsOf('table')]) assert.ok(panel.id in expected.panels, `${panel.id} has no expected number`);
  assert.equal(panelsOf('stat').length, 9);
  const detail = await everyNumberIsRight(page, 120);
  return `${detail}, right ${((Date.now() - sent) / 1000).toFixed(1)} s after the last event was sent`;
});

await check('the ledger line says that all that was received is stored', async () => {
  const ledger = await until('a full ledger', () => readLedger(page), (one) => one.received >= expected.history && one.pending === 0);
  assert.equal(ledger.received, ledger.stored);
  assert.equal(ledger.balances, true);
  assert.match(ledger.text, /^([\d,]+) received = \1 stored, 0 missing$/);
  const [history] = await sql("SELECT count() AS n, uniqExact(message_id) AS ids FROM sluice.events WHERE source = 'history'");
  assert.deepEqual([Number(history.n), Number(history.ids)], [expected.history, expected.history]);
  return ledger.text;
});

await check('the page says by how much the times are shifted', async () => {
  const { weeks } = JSON.parse(readFileSync(join(data, 'demo-shift.json'), 'utf8'));
  return note(page, new RegExp(`shifted by ${weeks} weeks`));
});

const live = () => panelsOf('timeseries').find((panel) => panel.metric === 'live_events').id;

await check('a bucket of the live panel turns from filling to final', async () => {
  await page.click('nav a[href="/d/activity"]');
  await waitForLoaded(page);
  const buckets = () => readBuckets(page, live());
  const fills = (one) => one.values.some((value) => value.state === 'filling');
  const filling = (await until('a filling bucket', buckets, (all) => all.some(fills))).find(fills).start;
  const begun = Date.now();
  const is = (all) => all.find((one) => one.start === filling)?.values.filter((value) => value.value !== null) ?? [];
  await until('final', buckets, (all) => is(all).length > 0 && is(all).every((value) => value.state === 'final'), 30_000);
  const since = (ms) => `${((Date.now() - ms) / 1000).toFixed(1)} s`;
  return `final ${since(begun)} after it was seen filling, ${since(filling)} after its beginning`;
});

// The commands below a comment that begins so, as a person would paste them.
function printed(comment) {
  const [, line] = new RegExp(`# ${comment}.*\\n +(.+)`).exec(demo.text) ?? assert.fail(`no line after '# ${comment}' in: ${demo.text}`);
  return line;
}

await check('the printed good event is accepted and seen among the live events', async () => {
  const events = await look(new URL('/live', addresses.page).href);
  await events.waitForSelector('[data-events]');
  const { out, code } = await run('bash', ['-c', printed('a good event')], { cwd: root });
  assert.equal(code, 0);
  const reply = JSON.parse(out);
  assert.deepEqual([reply.received, reply.accepted, reply.rejected], [1, 1, []]);
  const mine = (all) => all.find((one) => one.event === 'page_viewed' && one.source === 'site');
  const one = mine(await until('the event', () => readEvents(events), mine));
  await events.context().close();
  assert.deepEqual([one.user, one.verdict], ['u_you', 'stored']);
  return out.trim();
});

await check('the printed bad event is on the Quarantine page at once, with reason and path', async () => {
  const rejects = await look(new URL('/quarantine', addresses.page).href);
  await until('an empty list', () => rejects.getAttribute('[data-quarantine]', 'data-total'), (total) => total === '0');
  const pasted = Date.now();
  const { out } = await run('bash', ['-c', printed('a bad one')], { cwd: root });
  const answered = Date.now();
  const [row] = await until('the reject', () => readRejects(rejects), (all) => all.length > 0, 3_000);
  const ms = Date.now() - answered;
  await rejects.context().close();
  assert.deepEqual([row.reason, row.path, row.marked], ['timestamp_invalid', '$.timestamp', '"yesterday"']);
  assert.equal(row.raw, '{"event":"page_viewed","timestamp":"yesterday"}');
  assert.deepEqual(JSON.parse(out).rejected, [{ index: 0, reason: 'timestamp_invalid', path: '$.timestamp' }]);
  return `${row.reason} at ${row.path}, ${ms} ms after the answer (${answered - pasted} ms)`;
});

await check('the printed question in SQL has the answer that Python has', async () => {
  const { out } = await run('bash', ['-c', printed('a question in SQL')], { cwd: root });
  const found = [...out.matchAll(/│ (\w+) +│ +(\d+) │ +(\d+) │/g)];
  const rows = Object.fromEntries(found.map(([, repo, ...numbers]) => [repo, numbers.map(Number)]));
  assert.deepEqual(rows, expected.sql, out);
  return JSON.stringify(rows);
});

await check('what the Segment SDK sent is in sluice.events, once, with its own name on it', async () => {
  const [first] = await until('an acknowledged event', async () => journal(), (all) => all.length > 0);
  const [row] = await sql(`SELECT count() AS n, any(source) AS source, any(dialect) AS dialect, any(context) AS context,
    any(texts['properties.original_time']) AS original, any(toUnixTimestamp64Milli(event_time)) AS at FROM sluice.events WHERE message_id = '${first.id}'`);
  assert.deepEqual([Number(row.n), row.source, row.dialect], [1, 'replay', 'segment']);
  const { library } = JSON.parse(row.context);
  assert.deepEqual([library.name, library.version], ['@segment/analytics-node', '3.1.0']);
  assert.equal(Number(row.at), first.event_time);
  const held = lines(join(data, 'replay.ndjson')).find((event) => event.messageId === first.id);
  assert.equal(row.original, held.timestamp);
  return `${first.id}, ${library.name} ${library.version}`;
});

await check("'How do you know?' computes each dashboard's first stat, and a table, from raw events", async () => {
  const answers = [];
  for (const board of project.dashboards) {
    await page.click(`nav a[href="/d/${board.name}"]`);
    await waitForLoaded(page);
    for (const panel of [board.rows.flat().find((one) => one.kind === 'stat'), board.rows.flat().find((one) => one.kind === 'table')]) {
      const answer = await verifyPanel(page, panel.id);
      assert.equal(answer.equal, true, answer.text);
      assert.deepEqual(answer.shown, answer.computed);
      if (panel.kind === 'stat') assert.deepEqual(answer.computed, [expected.panels[panel.id].value]);
      answers.push(answer.computed[0]);
    }
  }
  return answers.join(' ');
});

await check('one bucket is revised, with what it was, what it is, and why', async () => {
  await page.click('nav a[href="/d/activity"]');
  await waitForLoaded(page);
  const values = (all) => all.flatMap(({ start, end, values: some }) => some.map((value) => ({ ...value, start, end })));
  const revised = (all) => values(all).find((one) => one.state === 'revised' && one.revised);
  const one = revised(await until('a revised bucket', () => readBuckets(page, live()), (all) => revised(all) !== undefined, 90_000));
  assert.match(one.revised, /^\d+→\d+$/);
  assert.equal(one.cause, 'late');
  const [before, after] = one.revised.split('→').map(Number);
  assert.ok(after > before);
  const inside = journal().filter((event) => event.event_time >= one.start && event.event_time < one.end);
  const late = inside.find((event) => event.acknowledged_at - event.event_time > 40_000);
  assert.ok(late, 'an event of that bucket was held back');
  return `${new Date(one.start).toISOString().slice(11, 19)} ${one.revised} (${one.cause})`;
});

if (options.picture) {
  await check('a picture of the first dashboard', async () => {
    await page.goto(addresses.page);
    await waitForLoaded(page);
    const full = (one) => one.values.some((value) => value.value !== null);
    await until('some minutes of live events', () => readBuckets(page, live()), (all) => all.filter(full).length >= 20, 240_000);
    await page.screenshot({ path: options.picture, fullPage: true });
    const kib = statSync(options.picture).size / 1024;
    assert.ok(kib < 256, `${kib} KiB`);
    return `${kib.toFixed(0)} KiB`;
  });
}

await check('axe finds nothing serious, light and dark, at 1440 and 390 px, and nothing scrolls sideways', async () => {
  const each = await look(addresses.page, { reducedMotion: 'reduce' });  // a colour on its way from light to dark is neither
  const paths = [...project.dashboards.map((board) => `/d/${board.name}`), '/live', '/quarantine', '/sql'];
  const found = [];
  for (const path of paths) {
    await each.goto(new URL(path, addresses.page).href);
    await each.waitForSelector('main h1');
    if (path.startsWith('/d/')) await waitForLoaded(each);
    if (path === '/sql') await each.click('[data-sql-run]').then(() => each.waitForSelector('[data-sql-result] tbody tr'));
    for (const [colorScheme, width] of [['light', 1440], ['dark', 1440], ['dark', 390], ['light', 390]]) {
      await each.emulateMedia({ colorScheme });
      await each.setViewportSize({ width, height: 844 });
      for (const { id, nodes } of await seriousIssues(each)) found.push(`${path} ${colorScheme} ${width}: ${id} ${nodes.slice(0, 3).join(' | ')}`);
      const [needs, has] = await each.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
      if (needs > has) found.push(`${path} ${width}: needs ${needs} px, has ${has}`);
    }
  }
  const { said: errors, outside } = each;
  await each.context().close();
  assert.deepEqual(found, []);
  assert.deepEqual([errors, outside], [[], []], 'errors of the page, requests to other origins');
  return `${paths.length} pages`;
});

await check('nothing went wrong in the page, and nothing left its origin', async () => {
  assert.deepEqual([page.said, page.outside], [[], []]);
});

for (const what of ['store', 'all']) {
  await check(`--break ${what}: the page stays and says what waits; then 0 lost, 0 doubled`, () => breaks(page, what));
}

await check('after the kills every number is as it was, every id is there once, and the ledger balances', async () => {
  const detail = await everyNumberIsRight(page, 60);
  const whole = (one) => one.pending === 0 && one.received === one.stored + one.quarantined + one.duplicate;
  const ledger = await until('all stored', () => readLedger(page), whole);
  assert.deepEqual([ledger.missing, ledger.quarantined, ledger.balances], [0, 1, true]);
  const [counts] = await sql('SELECT count() AS n, uniqExact(source, message_id) AS ids FROM sluice.events');
  assert.equal(counts.n, counts.ids);
  const ids = journal().map((one) => one.id);
  const [found] = await sql(`SELECT uniqExact(message_id) AS n FROM sluice.events WHERE source = 'replay' AND message_id IN ('${ids.join("','")}')`);
  assert.equal(Number(found.n), ids.length);
  const { code, out, err } = await run(binary, ['ledger', '--data', data]);
  assert.equal(code, 0, out + err);
  return `${detail}; ${ids.length} ids of the SDK; ${ledger.text}`;
});

let stored;
await check('Ctrl-C ends everything: exit 0, no process left', async () => {
  [stored] = await sql("SELECT countIf(source = 'history') AS history, countIf(source = 'site') AS site FROM sluice.events");
  const { code, seconds, left, before } = await demo.interrupt();
  assert.equal(code, 0, demo.text);
  assert.deepEqual(left, []);
  assert.ok(before >= 3, `${before} processes seen before`);
  return `${before} processes ended in ${seconds.toFixed(1)} s`;
});

await check('a second demo on the same data doubles nothing, goes on, and says when the replay has run out', async () => {
  // All but two of the events that were not sent are taken away, so that it runs out soon; neither is one that is held back 45 s.
  const known = new Set(journal().map((one) => one.id));
  const replay = lines(join(data, 'replay.ndjson'));
  const sent = replay.filter((event) => known.has(event.messageId));
  const more = replay.filter((event) => !known.has(event.messageId) && parseInt(event.messageId.slice(8, 16), 16) % 8 !== 3).slice(0, 2);
  writeFileSync(join(data, 'replay.ndjson'), [...sent, ...more].map((event) => `${JSON.stringify(event)}\n`).join(''));
  demo = start(data, ...freePorts);
  const [, url] = await demo.says(/Page\s+(http:\/\/\S+)/, 120);
  const shown = (Date.now() - demo.started) / 1000;
  assert.ok(shown < 5, `its page was there after ${shown} s`);
  addresses = { ...JSON.parse(readFileSync(join(data, 'demo.json'), 'utf8')), page: url };
  page = await look(url);
  await demo.says(/replay: 2 sent, 2 acknowledged, 0 of them held back 45 s, 0 left/, 120);
  await note(page, /replay has run out/);
  const both = `SELECT count() AS n FROM sluice.events WHERE message_id IN ('${more.map((event) => event.messageId).join("','")}')`;
  await until('two more', () => sql(both), ([row]) => Number(row.n) === 2);
  const [again] = await sql("SELECT countIf(source = 'history') AS history, countIf(source = 'site') AS site FROM sluice.events");
  assert.deepEqual(again, stored);
  const [counts] = await sql("SELECT count() AS n, uniqExact(source, message_id) AS ids FROM sluice.events");
  assert.equal(counts.n, counts.ids);
  const detail = await everyNumberIsRight(page, 60);
  return `page after ${shown.toFixed(1)} s; ${detail}; ${(await readLedger(page)).text}`;
});

await check('Ctrl-C ends the second one, too', async () => {
  const { code, left } = await demo.interrupt();
  assert.equal(code, 0, demo.text);
  assert.deepEqual(left, []);
});

await check('web/ holds no data', async () => {
  const files = readdirSync(join(root, 'web'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile()).map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !/^web\/(node_modules|dist)\//.test(path));
  assert.ok(files.length > 20);
  assert.deepEqual(files.filter((path) => statSync(join(root, path)).size > 200_000 || /\.(ndjson|csv|parquet|gz)$/.test(path)), []);
  return `${files.length} files`;
});

await browser.close();
for (const one of demos) await one.stop();
rmSync(data, { recursive: true, force: true });
if (failed === 0) rmSync(work, { recursive: true });
else console.log(`pictures and words of what failed: ${kept}`);
console.log(`e2e: ${passed} passed, ${failed} failed`);
if (options.counts) writeFileSync(options.counts, `${passed} ${failed}\n`);
process.exit(failed === 0 ? 0 : 1);
