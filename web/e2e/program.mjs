// The page over the real program: numbers on every kind of panel against the events that were sent, the store's views and the SQL that
// the page prints; definitions that change and break while people look.
//
//   node e2e/program.mjs --sluice PROGRAM [name-part]
//
// Runs `PROGRAM up` on a project in a temporary folder, on free ports, and ends it by its id. Ends with `passed` or `N failed`.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join, resolve} from 'node:path';

import {launch} from './browser.mjs';
import {
  openPage, readBuckets, readCohorts, readEventRows, readGroups, readHeader, readSessions, readStats, readSteps, readTop, seriousIssues, until,
  verifyPanel, waitForAnswers, waitForLoaded,
} from './page.mjs';
import {
  bandTruth, countTruth, funnelTruth, groupsTruth, kDay, kFiles, kSessionFiles, lineOf, ofCountry, reached, retentionTruth, sessionsTruth, shopEvents, topTruth,
} from './shop.mjs';

const at = process.argv.indexOf('--sluice');
const program = resolve(process.argv[at + 1] ?? '');
const part = process.argv.slice(2).filter((_, index) => at < 0 || (index !== at - 2 && index !== at - 1))[0] ?? '';
if (at < 0) {
  console.error('Name the program: node e2e/program.mjs --sluice build/sluice');
  process.exit(2);
}

const work = mkdtempSync(join(tmpdir(), 'sluice-page-'));
const folder = join(work, 'shop');
const write = (name, text) => {
  mkdirSync(dirname(join(folder, name)), {recursive: true});
  writeFileSync(join(folder, name), text);
};
for (const [name, text] of Object.entries({...kFiles, ...kSessionFiles})) write(name, text);

// ---- the program

let said = '';
const child = spawn(program, ['up', folder, '--data', join(work, 'data'), '--demo', ...['collect', 'web', 'sql'].flatMap((name) => ['--listen', `${name}=127.0.0.1:0`])],
  {stdio: ['ignore', 'pipe', 'pipe']});
for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { said += text; });
let ended = null;
const end = new Promise((done) => { child.on('close', (code, signal) => { ended = signal ?? code; done(ended); }); });
child.on('error', (error) => { said += error.message; ended = error.code; });

async function stop() {
  if (ended === null) {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await end;
    clearTimeout(timer);
  }
  rmSync(work, {recursive: true, force: true});
}
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void stop().then(() => process.exit(1)));

const address = async (name) => (await until(`the address of ${name}`, () => {
  if (ended !== null) throw new Error(`the program ended with ${ended}:\n${said}`);
  return new RegExp(`^${name} +(http://\\S+)`, 'm').exec(said)?.[1] ?? null;
}, (url) => url !== null));

async function send(lines) {
  for (let from = 0; from < lines.length; from += 500) {
    const some = lines.slice(from, from + 500);
    const response = await fetch(`${collect}/v1/events`, {
      method: 'POST', headers: {authorization: 'Bearer demo', 'content-type': 'application/x-ndjson'}, body: some.join('\n'),
    });
    const answer = await response.json();
    assert.equal(answer.accepted, some.length, JSON.stringify(answer).slice(0, 400));
  }
}

async function sql(statement) {
  const response = await fetch(sqlPort, {method: 'POST', body: `${statement} FORMAT JSONCompactStrings`});
  const text = await response.text();
  if (!response.ok) throw new Error(`${statement}: ${text.slice(0, 400)}`);
  return JSON.parse(text).data;
}

// ---- tests

const tests = [];
const test = (name, run) => tests.push({name, run});
const now = Date.now();
const events = shopEvents(now);
const windowOf = (page, panel) => page.$eval(`[data-panel="${panel}"]`, ({dataset}) => ({start: Number(dataset.start), end: Number(dataset.end)}));

async function openShop(path = '/d/shop') {
  const page = await openPage(browser, web + path);
  await waitForLoaded(page);
  const computed = () => page.$$eval('[data-panel]', (all) => all.filter(({dataset}) => dataset.start === undefined).map(({dataset}) => dataset.panel));
  await until('all panels computed', computed, (waiting) => waiting.length === 0);
  return page;
}

// Until what `read` sees equals what `truth` says of the window that the panel then shows.
async function equals(page, panel, read, truth, deadline = undefined) {
  const look = async () => {
    const window = await windowOf(page, panel);
    return {window, seen: await read(page, panel), wanted: truth(window)};
  };
  await until(`the numbers of ${panel}`, look, ({window, seen, wanted}) => {
    if (!(window.end > window.start)) return false;  // not computed yet
    try {
      assert.deepEqual(seen, wanted);
      return true;
    } catch {
      return false;
    }
  }, deadline);
}

// Numbers of one window are computed anew no oftener than every 20 times what that took: on a busy machine that may be minutes.
const kPaced = 300_000;

const stepsOf = async (page, panel) => (await readSteps(page, panel)).map(({step, name, people, dropped, median}) => ({step, name, people, dropped, median}));
const valueOf = async (page, panel) => (await readStats(page)).find((one) => one.panel === panel)?.value ?? null;
const topOf = async (page, panel) => (await readTop(page, panel)).map(({key, value}) => ({key, value}));

test('a_funnel_shows_what_the_events_say_and_lists_who_dropped', async () => {
  const page = await openShop();
  await equals(page, 'shop.1.0', stepsOf, (window) => funnelTruth(events, window));
  const window = await windowOf(page, 'shop.1.0');
  assert.equal(window.end - window.start, 28 * kDay);
  for (const step of [2, 3]) {
    await page.click(`[data-panel="shop.1.0"] li[data-step="${step}"] [data-list]`);
    await page.waitForSelector(`[data-dropped-list="shop.1.0"][data-step="${step}"]`);
    const rows = await page.$$eval('[data-dropped-list] [data-person]', (all) => all.map(({dataset}) => ({person: dataset.person, at: Number(dataset.at)})));
    const wanted = [...reached(events, window)].filter(([, one]) => one.level === step - 1).map(([person, one]) => ({person, at: one.entered}))
      .sort((a, b) => b.at - a.at || (a.person < b.person ? -1 : 1));
    assert.ok(wanted.length > 0);
    assert.deepEqual(rows, wanted);
    const csv = await (await fetch(web + await page.getAttribute('.beside-foot a', 'href'))).text();
    assert.deepEqual(csv.trim().split('\r\n').slice(1).map((line) => line.split(',')[0]).sort(), wanted.map((one) => one.person).sort());
  }
  return page;
});

test('a_breakdown_shows_each_group_as_if_it_were_alone', async () => {
  const page = await openShop();
  const flat = (groups) => groups.flatMap(([key, steps]) => steps.map(({step, people, dropped, median}) => ({key: [key], step, people, dropped, median})));
  const byKey = (rows) => rows.sort((a, b) => String(a.key).localeCompare(String(b.key)) || a.step - b.step);
  await equals(page, 'shop.2.0', async () => byKey(await readGroups(page, 'shop.2.0')), (window) => byKey(flat(groupsTruth(events, window))));
  const groups = await readGroups(page, 'shop.2.0');
  const entered = groups.filter((one) => one.step === 1).map((one) => Number(one.people));
  assert.deepEqual(entered, [...entered].sort((a, b) => b - a));
  assert.ok(groups.some((one) => one.key[0] === null));
  return page;
});

test('retention_shows_what_the_events_and_the_view_say_with_states', async () => {
  const page = await openShop();
  const shown = async () => (await readCohorts(page, 'shop.3.0')).filter((one) => one.size !== '0').map((one) => ({start: one.start, people: one.cells.map((cell) => cell.people)}));
  await equals(page, 'shop.3.0', shown, () => retentionTruth(events, 5, Date.now()));
  const rows = await sql('SELECT toUnixTimestamp64Milli(cohort_start), period, people, state FROM sluice.weekly_buyers');
  const view = new Map(rows.map(([start, period, people, state]) => [`${start} ${period}`, `${people} ${state}`]));
  for (const cohort of await readCohorts(page, 'shop.3.0')) {
    for (const cell of cohort.cells) assert.equal(`${cell.people} ${cell.state}`, view.get(`${cohort.start} ${cell.period}`), `${cohort.start} ${cell.period}`);
  }
  return page;
});

test('top_values_bands_and_charts_show_what_the_events_say', async () => {
  const page = await openShop();
  await equals(page, 'shop.4.0', topOf, (window) => topTruth(events, window, 4));
  await equals(page, 'shop.4.1', topOf, (window) => topTruth(events, window, 5));
  const bands = async () => (await readBuckets(page, 'shop.5.0', {all: true})).filter((one) => one.values.some(({value}) => value !== null))
    .map((one) => [one.start, one.values.map(({value}) => value)]).sort(([a], [b]) => a - b);
  await equals(page, 'shop.5.0', bands, (window) => [...bandTruth(events, window)].sort(([a], [b]) => a - b));
  const rows = await sql(`SELECT count() FROM sluice.events WHERE event = 'seen'`);
  assert.equal(rows[0][0], String(events.filter((one) => one.event === 'seen').length));
  return page;
});

test('every_kind_is_equal_to_its_SQL_from_raw_events', async () => {
  const page = await openShop();
  for (const panel of ['shop.0.0', 'shop.1.0', 'shop.2.0', 'shop.3.0', 'shop.4.0', 'shop.4.1', 'shop.5.0', 'shop.6.0', 'around.0.0']) {
    if (panel === 'around.0.0') { await page.click('nav a[href="/d/around"]'); await waitForLoaded(page); }
    const answer = await verifyPanel(page, panel);
    assert.equal(answer.equal, true, `${panel}: ${answer.text}`);
    assert.ok(answer.shown.length > 0 && answer.shown.some((one) => one !== ''), panel);
  }
  return page;
});

test('a_range_reaches_every_panel_and_the_period_before_stands_beside', async () => {
  const day = (ms) => new Date(ms).toISOString().slice(0, 10);
  const end = Math.floor(now / kDay) * kDay - 7 * kDay;
  const start = end - 14 * kDay;
  const page = await openShop(`/d/shop?range=${day(start)}..${day(end - kDay)}&compare=previous`);
  await waitForAnswers(page);
  const window = {start, end};
  const before = {start: start - 14 * kDay, end: start};
  await equals(page, 'shop.0.0', valueOf, () => countTruth(events, window, 'seen'));
  await equals(page, 'shop.1.0', stepsOf, () => funnelTruth(events, window));
  await equals(page, 'shop.4.0', topOf, () => topTruth(events, window, 4));
  assert.deepEqual(await windowOf(page, 'shop.1.0'), window);
  const was = () => page.getAttribute('[data-panel="shop.0.0"] .change', 'data-before');
  await until('the period before of a stat', was, (value) => value === countTruth(events, before, 'seen'));
  await until('of a funnel', () => readSteps(page, 'shop.1.0'), (steps) => steps.map((one) => one.before).join() === funnelTruth(events, before).map((one) => one.people).join());
  await until('of bars', () => readTop(page, 'shop.4.0'), (bars) => bars.every((one) => one.before === (topTruth(events, before, 4).find(({key}) => key[0] === one.key[0])?.value ?? null)));
  for (const panel of ['shop.0.0', 'shop.1.0', 'shop.4.0', 'shop.5.0']) assert.equal((await verifyPanel(page, panel)).equal, true, panel);
  return page;
});

test('a_click_on_a_value_filters_every_panel_that_has_the_dimension', async () => {
  const page = await openShop();
  await page.click('[data-panel="shop.2.0"] tr[data-group=\'["de"]\'] td:last-child button');
  await page.waitForSelector('[data-chip="country"][data-value="de"]');
  await waitForAnswers(page);
  await equals(page, 'shop.0.0', valueOf, (window) => countTruth(events, window, 'seen', ofCountry('de')));
  await equals(page, 'shop.1.0', stepsOf, (window) => funnelTruth(events, window, ofCountry('de')));
  await equals(page, 'shop.4.0', topOf, (window) => topTruth(events, window, 4, ofCountry('de')));
  assert.match(await page.textContent('[data-applied="shop.3.0"]'), /Not filtered by country/);
  assert.match(await page.textContent('[data-applied="shop.0.1"]'), /Not filtered by country/);
  assert.equal((await verifyPanel(page, 'shop.1.0')).equal, true);
  await page.goto(`${web}/d/shop?f.country=null`);
  await waitForLoaded(page);
  await equals(page, 'shop.0.0', valueOf, (window) => countTruth(events, window, 'seen', ofCountry(null)));
  return page;
});

test('a_person_is_shown_whole_newest_first', async () => {
  const own = events.filter((one) => one.person === 'u_3').sort((a, b) => b.time - a.time);
  const page = await openPage(browser, `${web}/person?key=u_3`);
  await page.waitForSelector(`[data-person="u_3"][data-events="${own.length}"]`);
  const rows = await until('its events', () => readEventRows(page), (all) => all.length === Math.min(100, own.length));
  assert.deepEqual(rows.map((one) => one.messageId), own.slice(0, 100).map((one) => one.id));
  await page.fill('#filter', 'nobody');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-person-missing]');
  return page;
});

test('sessions_are_listed_newest_first_with_their_events_in_order', async () => {
  const page = await openShop('/d/around');
  const shown = async () => (await readSessions(page, 'around.0.0')).map(({started_at, user_key, events, duration_ms}) => ({started_at, user_key, events, duration_ms}));
  await equals(page, 'around.0.0', shown, () => sessionsTruth(events).slice(0, 100));
  const listed = await readSessions(page, 'around.0.0');
  const rows = await sql('SELECT session_id, state FROM sluice.visits ORDER BY started_at DESC, session_id LIMIT 200');
  const states = new Map(rows);
  for (const one of listed) assert.equal(one.state, states.get(one.id), one.id);
  const one = listed.find(({events}) => Number(events) > 3);
  await page.click(`[data-session="${one.id}"] button`);
  const shownEvents = await until('its events', () => readEventRows(page), (all) => all.length === Number(one.events));
  const own = events.filter(({person, time}) => person === one.user_key && time >= Number(one.started_at)).slice(0, Number(one.events));
  assert.deepEqual(shownEvents.map(({messageId}) => messageId), own.map(({id}) => id));
  return page;
});

test('nothing_serious_for_axe_and_nothing_scrolls_sideways', async () => {
  const page = await openPage(browser, `${web}/d/shop`, {reducedMotion: 'reduce'});
  await waitForLoaded(page);
  for (const [colorScheme, width] of [['light', 1440], ['dark', 390]]) {
    await page.emulateMedia({colorScheme});
    await page.setViewportSize({width, height: 844});
    assert.deepEqual(await seriousIssues(page), [], `${colorScheme} ${width}`);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth), true, `${width} scrolls sideways`);
  }
  return page;
});

// From here on the program's numbers change: the order of tests matters.

test('new_events_reach_the_panels_without_a_reload', async () => {
  const page = await openShop();
  await page.evaluate(() => { globalThis.loaded = 1; });
  const more = Array.from({length: 9}, (_, n) => {
    const time = Date.now() - 3_000 + (n % 3) * 10;
    return {time, event: ['seen', 'added', 'bought'][n % 3], person: `u_new${Math.floor(n / 3)}`, properties: n % 3 === 0 ? {country: 'de', page: '/hats', ms: 12.5} : {country: 'de'}, id: `new-${n}`};
  });
  await send(more.map(lineOf));
  events.push(...more);
  await equals(page, 'shop.1.0', stepsOf, (window) => funnelTruth(events, window), kPaced);
  await equals(page, 'shop.0.0', valueOf, (window) => countTruth(events, window, 'seen'), kPaced);
  await equals(page, 'shop.4.0', topOf, (window) => topTruth(events, window, 4), kPaced);
  const shown = async () => (await readCohorts(page, 'shop.3.0')).filter((one) => one.size !== '0').map((one) => ({start: one.start, people: one.cells.map((cell) => cell.people)}));
  await equals(page, 'shop.3.0', shown, () => retentionTruth(events, 5, Date.now()), kPaced);
  assert.equal(await page.evaluate(() => globalThis.loaded), 1);
  return page;
});

test('an_edited_definition_changes_its_panel_and_a_broken_one_names_its_line', async () => {
  const page = await openShop();
  await page.evaluate(() => { globalThis.loaded = 1; });
  await equals(page, 'shop.1.0', stepsOf, (window) => funnelTruth(events, window), kPaced);
  const file = kFiles['metrics/shop.yaml'];
  const edited = file.replace("{name: added, where: event = 'added'}", "{name: added, where: event = 'added' and properties.items > 1}");
  assert.notEqual(edited, file);
  write('metrics/shop.yaml', edited);
  const step = (name, one) => one.event === name && (name !== 'added' || one.properties.items > 1);
  await equals(page, 'shop.1.0', stepsOf, (window) => funnelTruth(events, window, undefined, step), kPaced);
  const before = await stepsOf(page, 'shop.1.0');
  const cohorts = await readCohorts(page, 'shop.3.0');

  const broken = edited.replace('periods: 5', 'periods: many');
  const line = broken.split('\n').findIndex((one) => one.includes('periods: many')) + 1;
  write('metrics/shop.yaml', broken);
  const header = await until('the error', () => readHeader(page), (one) => one.notices.definition !== undefined, kPaced);
  assert.match(header.notices.definition, new RegExp(`metrics/shop\\.yaml:${line}:\\d+: `));
  assert.ok(header.notices.definition.includes('periods: many'), header.notices.definition);
  assert.deepEqual(await stepsOf(page, 'shop.1.0'), before);
  assert.deepEqual(await readCohorts(page, 'shop.3.0'), cohorts);

  write('metrics/shop.yaml', edited.replace('periods: 5', 'periods: 3'));
  await until('no error', () => readHeader(page), (one) => one.notices.definition === undefined, kPaced);
  const shown = async () => (await readCohorts(page, 'shop.3.0')).filter((one) => one.size !== '0').map((one) => ({start: one.start, people: one.cells.map((cell) => cell.people)}));
  await equals(page, 'shop.3.0', shown, () => retentionTruth(events, 3, Date.now()), kPaced);
  assert.deepEqual(await stepsOf(page, 'shop.1.0'), before);
  assert.equal(await page.evaluate(() => globalThis.loaded), 1, 'the page was loaded anew');
  return page;
});

// ---- run

let failed = 0;
const collect = await address('collect').catch(async (error) => { console.log(`FAIL the_program_starts\n${error.stack}`); await stop(); process.exit(1); });
const web = await address('web');
const sqlPort = await address('sql');
const browser = await launch();
try {
  await send(events.map(lineOf));
  await until('all events in the store', () => sql('SELECT count() FROM sluice.events').catch((error) => error.message), (rows) => rows[0]?.[0] === String(events.length));
} catch (error) {
  failed++;
  console.log(`FAIL the_events_are_taken\n${error.stack}`);
}
for (const {name, run} of failed === 0 ? tests.filter((one) => one.name.includes(part)) : []) {
  const begun = Date.now();
  try {
    const page = await run();
    assert.deepEqual(page.said, [], 'errors of the page');
    assert.deepEqual(page.outside, [], 'requests to other origins');
    await page.context().close();
    console.log(`ok   ${name} ${Date.now() - begun} ms`);
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}\n${error.stack.slice(0, 5_000)}`);
  }
}
if (failed > 0) console.log(said.split('\n').slice(-20).join('\n'));
await browser.close();
await stop();
console.log(`${failed === 0 ? 'passed' : `${failed} failed`}`);
process.exit(failed === 0 ? 0 : 1);
