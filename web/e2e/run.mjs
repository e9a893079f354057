// The page in a real browser against the development server: what a person can do with keys, mouse and URL, and that nothing breaks
// the CSP, leaves the origin or fails axe-core. Against the real program: tests/e2e, with the same page.mjs.
//
//   node e2e/run.mjs [name-part]
import assert from 'node:assert/strict';

import {start} from '../dev/server.mjs';
import {launch} from './browser.mjs';
import {
  openPage, readBuckets, readCohorts, readEventRows, readEvents, readGroups, readHeader, readLedger, readRejects, readSessions, readStats, readSteps,
  readTable, readTop, seriousIssues, until, verifyPanel, waitForAnswers, waitForLoaded,
} from './page.mjs';

const tests = [];
const test = (name, run) => tests.push({name, run});
const open = (context, path, options) => openPage(context.browser, context.url + path, options);
const speech = (page) => page.textContent('#speech');

test('first_visit_shows_numbers_with_state_dates_and_instant', async (context) => {
  const page = await open(context, '/?mode=full');
  await waitForLoaded(page);
  const stats = await readStats(page);
  assert.deepEqual(stats.map((one) => [one.label, one.value, one.state]).slice(0, 1), [['authors', '412', 'final']]);
  assert.ok(stats.every((one) => one.end > one.start && one.asOf > 0 && one.epoch > 0));
  assert.equal(stats[2].text, '1,284.5');
  const rows = await readTable(page, 'activity.3.0');
  assert.deepEqual(rows[0].cells, {repo: 'seastar', commits: '1402', authors: '88', p99_lines: '2310.5', lines_per_commit: '181.402282453'});
  const ledger = await readLedger(page);
  assert.match(ledger.text, /^49,\d{3} received = 49,\d{3} stored \+ 12 quarantined \+ 3 duplicate, 0 missing$/);
  assert.equal((await readHeader(page)).connection, 'live');
  return page;
});

test('buckets_turn_final_in_place_and_one_is_revised', async (context) => {
  const page = await open(context, '/?mode=full');
  await waitForLoaded(page);
  const [newest] = (await readBuckets(page, 'activity.1.0')).filter((one) => one.state === 'filling');
  assert.ok(newest, 'a filling bucket');
  await until('final', async () => (await readBuckets(page, 'activity.1.0')).find((one) => one.start === newest.start), (one) => one?.state === 'final');
  const all = await readBuckets(page, 'activity.1.0', {all: true});
  const revised = all.flatMap((one) => one.values).find((one) => one.state === 'revised');
  assert.match(revised.revised, /^\d+→\d+$/);
  assert.equal(revised.cause, 'late');
  assert.ok(all.length > 50);
  return page;
});

test('first_event_turns_the_guide_into_charts', async (context) => {
  const page = await open(context, '/?mode=first');
  const guide = await page.waitForSelector('[data-guide]');
  assert.match(await guide.textContent(), /curl http:\/\/127\.0\.0\.1:18080\/v1\/events/);
  await page.waitForSelector('[data-kind="stat"]');
  await until('a value', () => readStats(page), (stats) => stats[0]?.value === '412');
  return page;
});

test('arrow_keys_move_the_cursor_of_all_charts_and_speak', async (context) => {
  const page = await open(context, '/d/changes?mode=full');
  await waitForLoaded(page);
  const chart = page.locator('[data-panel="changes.1.0"] .chart');
  await chart.focus();
  await page.keyboard.press('End');
  await until('speech', () => speech(page), (text) => /seastar \d+.*still filling: final when the watermark passes/.test(text));
  await page.keyboard.press('ArrowLeft');
  await until('speech', () => speech(page), (text) => /; (final|.*revised)/.test(text));
  assert.equal(await page.locator('[data-panel="changes.1.0"] .tip').isVisible(), true);
  assert.equal(await page.locator('[data-panel="changes.0.0"] .tip').isVisible(), false);
  return page;
});

test('single_keys_go_places_toggle_the_table_and_copy', async (context) => {
  const page = await open(context, '/?mode=full', {permissions: ['clipboard-read', 'clipboard-write']});
  await waitForLoaded(page);
  await page.keyboard.press('t');
  await page.waitForSelector('.twin [data-twin="activity.1.0"]');
  assert.match(page.url(), /twin=activity\.1\.0/);
  await page.hover('[data-panel="activity.0.0"]');
  await page.keyboard.press('c');
  await until('clipboard', () => page.evaluate(() => navigator.clipboard.readText()), (text) => /^start,end,authors,state,as_of\n.*,412,final,/.test(text));
  await page.keyboard.press('/');
  await page.keyboard.type('sea');
  await until('filtered', () => readTable(page, 'activity.3.0'), (rows) => rows.length === 1);
  assert.match(page.url(), /filter=sea/);
  await page.keyboard.press('Escape');
  await until('not filtered', () => readTable(page, 'activity.3.0'), (rows) => rows.length === 3);
  await page.keyboard.press('?');
  await page.waitForSelector('dialog[open]');
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', {state: 'detached'});
  for (const [keys, path] of [['gl', '/live'], ['gq', '/quarantine'], ['gs', '/sql'], ['ga', '/']]) {
    for (const key of keys) await page.keyboard.press(key);
    await page.waitForURL((url) => url.pathname === path);
  }
  return page;
});

test('url_brings_back_the_whole_state', async (context) => {
  const page = await open(context, '/?mode=full&twin=activity.2.0&filter=fmt&range=30d&explain=activity.0.1&sort=activity.3.0:authors:down');
  await waitForLoaded(page);
  await page.waitForSelector('.aside');
  assert.equal(await page.inputValue('#filter'), 'fmt');
  const buckets = await readBuckets(page, 'activity.2.0');
  assert.ok(buckets.length >= 28 && buckets.length <= 31, `${buckets.length} buckets`);
  assert.deepEqual(buckets[3].values.map((one) => one.key), [['fmt']]);
  return page;
});

test('dragging_a_chart_zooms_all_of_them', async (context) => {
  const page = await open(context, '/d/changes?mode=full');
  await waitForLoaded(page);
  const box = await page.locator('[data-panel="changes.1.0"] .u-over').boundingBox();
  await page.mouse.move(box.x + box.width * 0.95, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.99, box.y + 60, {steps: 4});
  await page.mouse.up();
  await page.waitForURL(/range=\d{4}-\d\d-\d\d\.\.\d{4}-\d\d-\d\d$/);  // whole days
  const buckets = await page.getAttribute('[data-panel="changes.1.0"]', 'data-buckets');
  assert.ok(Number(buckets) < 12, `${buckets} buckets`);
  await page.mouse.dblclick(box.x + 200, box.y + 60);
  await page.waitForURL((url) => !url.search.includes('range'));
  return page;
});

test('a_funnel_shows_both_conversions_and_lists_who_dropped', async (context) => {
  const page = await open(context, '/d/people?mode=full');
  await waitForLoaded(page);
  const steps = await readSteps(page, 'people.1.0');
  assert.deepEqual(steps.map((one) => one.name), ['wrote', 'landed', 'wrote_again', 'reviewed']);
  assert.equal(Number(steps[0].people) - Number(steps[1].people), Number(steps[1].dropped));
  const text = await page.textContent('[data-panel="people.1.0"] li[data-step="3"]');
  assert.match(text, new RegExp(`${(steps[2].people / steps[0].people * 100).toFixed(1).replace('.0', '')} % of first`));
  assert.match(text, new RegExp(`${(steps[2].people / steps[1].people * 100).toFixed(1).replace('.0', '')} % of step before`));
  await page.click('[data-panel="people.1.0"] li[data-step="3"] [data-list]');
  const rows = await page.waitForSelector('[data-dropped-list="people.1.0"][data-step="3"]');
  assert.equal((await rows.$$('[data-person]')).length, 40);
  assert.equal(await page.getAttribute('.beside-foot a', 'href'), '/api/panels/people.1.0/dropped.csv?step=3');
  await page.click('[data-dropped-list] tr:nth-child(2) a');
  await page.waitForSelector('[data-person="u_77c1"]');
  const times = (await readEventRows(page)).map((one) => one.time);
  assert.deepEqual(times, [...times].sort((a, b) => b - a));
  await page.click('.more');
  await until('older events', () => readEventRows(page), (all) => all.length === 30);
  await page.goBack();
  await page.waitForSelector('[data-dropped-list="people.1.0"]');
  await page.keyboard.press('Escape');
  await page.waitForSelector('.aside', {state: 'detached'});
  return page;
});

test('a_breakdown_shows_the_steps_of_the_group_that_is_chosen', async (context) => {
  const page = await open(context, '/d/people?mode=full');
  await waitForLoaded(page);
  const groups = await readGroups(page, 'people.5.0');
  assert.equal(groups.length, 16);
  await page.click('[data-panel="people.5.0"] [data-group=\'["fmt"]\'] .name');
  await page.waitForURL(/group=people\.5\.0%3A%5B%22fmt%22%5D/);
  const ofFmt = groups.filter((one) => one.key[0] === 'fmt').map((one) => one.people);
  await until('its steps', () => readSteps(page, 'people.5.0'), (steps) => steps.map((one) => one.people).join() === ofFmt.join());
  return page;
});

test('retention_top_band_and_sessions_show_every_number_with_its_state', async (context) => {
  const page = await open(context, '/d/people?mode=full');
  await waitForLoaded(page);
  const cohorts = await readCohorts(page, 'people.2.0');
  assert.equal(cohorts.length, 12);
  assert.ok(cohorts.every((one) => one.size === one.cells[0].people && one.cells.every((cell) => ['filling', 'final', 'revised'].includes(cell.state))));
  assert.equal(cohorts.at(-1).cells.length, 1);
  assert.equal(cohorts.at(-1).cells[0].state, 'filling');
  assert.ok(cohorts.flatMap((one) => one.cells).some((cell) => cell.state === 'revised'));
  const bars = await readTop(page, 'people.3.0');
  assert.equal(bars.length, 10);
  assert.deepEqual(bars.map((one) => Number(one.value)), bars.map((one) => Number(one.value)).sort((a, b) => b - a));
  assert.equal(await page.getAttribute('[data-panel="people.4.0"]', 'data-shape'), 'band');
  const [, day] = await readBuckets(page, 'people.4.0');
  assert.deepEqual(day.values.map((one) => [one.key[0], one.state]), [['p50', 'final'], ['p90', 'final'], ['p99', 'final']]);
  const [session] = await readSessions(page, 'people.6.0');
  await page.click(`[data-session="${session.id}"] button`);
  await page.waitForSelector(`[data-session-shown="${session.id}"]`);
  const events = await until('its events', () => readEventRows(page), (all) => all.length === Number(session.events));
  assert.equal(events[0].time, Number(session.started_at));
  await page.click('.event-rows summary');
  assert.match(await page.textContent('.event-rows details[open] pre'), /"page": "\/docs\/api"/);
  return page;
});

test('a_click_on_a_value_filters_the_page_and_panels_say_what_does_not_apply', async (context) => {
  const page = await open(context, '/?mode=full');
  await waitForLoaded(page);
  await page.click('[data-panel="activity.3.0"] tr[data-key=\'["fmt"]\'] .name');
  await page.waitForSelector('[data-chip="repo"][data-value="fmt"]');
  await until('the table', () => readTable(page, 'activity.3.0'), (rows) => rows.length === 1 && rows[0].key[0] === 'fmt');
  await until('the stats', () => readStats(page), (stats) => stats[0].value === '165');
  assert.deepEqual((await readBuckets(page, 'activity.2.0'))[0].values.map((one) => one.key), [['fmt']]);
  assert.equal(await page.getAttribute('[data-panel="activity.2.0"]', 'data-asked'), null);  // its live numbers hold it
  assert.match(await page.textContent('[data-applied="activity.1.0"]'), /Not filtered by repo/);
  await page.click('[data-panel="activity.2.0"] .legend-item[aria-pressed="true"]');
  await page.waitForSelector('.chips', {state: 'detached'});
  await until('all again', () => readStats(page), (stats) => stats[0].value === '412');
  await page.goto(`${context.url}/d/people?f.repo=null&range=7d`);
  await page.waitForSelector('[data-chip="repo"]');
  assert.match(await page.textContent('[data-chip="repo"]'), /repo: \(none\)/);
  await waitForLoaded(page);
  await until('one group', () => readGroups(page, 'people.5.0'), (groups) => groups.length === 4 && groups[0].key[0] === null);
  return page;
});

test('range_and_comparison_reach_every_panel', async (context) => {
  const page = await open(context, '/d/people?mode=full');
  await waitForLoaded(page);
  await page.selectOption('select[aria-label="Time range"]', '90d');
  await page.keyboard.press('x');
  await page.waitForURL(/range=90d&compare=previous/);
  await waitForAnswers(page);
  const days = (one) => Math.round((one.end - one.start) / 86_400_000);
  const read = () => page.$$eval('[data-panel]', (all) => all.map(({dataset}) => ({id: dataset.panel, start: Number(dataset.start), end: Number(dataset.end)})));
  await until('all ranges', read, (all) => all.every((one) => days(one) === (one.id === 'people.2.0' ? 91 : 90)));
  await until('steps before', () => readSteps(page, 'people.1.0'), (steps) => steps.every((one) => Number(one.before) > 0));
  await until('bars before', () => readTop(page, 'people.3.0'), (bars) => bars.every((one) => Number(one.before) > 0));
  await until('a stat before', () => page.textContent('[data-panel="people.0.0"] .change'), (text) => /^\+[\d.]+ % from [\d,]+, /.test(text));
  assert.match(await page.textContent('[data-applied="people.2.0"]'), /Not compared/);
  await page.selectOption('select[aria-label="Time range"]', 'own');
  await page.fill('input[aria-label="First day"]', '2026-09-01');
  await page.fill('input[aria-label="Last day"]', '2026-09-10');
  await page.waitForURL(/range=2026-09-01\.\.2026-09-10/);
  await until('ten days', read, (all) => all.filter((one) => one.id !== 'people.2.0').every((one) => one.start === Date.UTC(2026, 8, 1) && one.end === Date.UTC(2026, 8, 11)));
  await page.goto(`${context.url}/d/people?range=2000d`);
  await until('why not', () => page.textContent('[data-panel="people.1.0"]'), (text) => /Not answered: A range has at most 1,000 days\. Ask for a shorter one\./.test(text));
  assert.equal((await readSteps(page, 'people.1.0')).length, 4);  // what was there stays
  page.said = page.said.filter((text) => !text.includes('400'));  // the browser's own note of the refused question
  return page;
});

test('every_kind_explains_itself_and_is_computed_again', async (context) => {
  const page = await open(context, '/d/people?mode=full');
  await waitForLoaded(page);
  for (const panel of ['people.1.0', 'people.2.0', 'people.3.0', 'people.4.0', 'people.6.0']) {
    const answer = await verifyPanel(page, panel);
    assert.equal(answer.equal, true, panel);
  }
  return page;
});

test('a_number_explains_itself_and_is_computed_again', async (context) => {
  const page = await open(context, '/?mode=full');
  await waitForLoaded(page);
  for (const panel of ['activity.0.0', 'activity.3.0', 'activity.2.0']) {
    const answer = await verifyPanel(page, panel);
    assert.equal(answer.equal, true, panel);
    assert.deepEqual(answer.shown, answer.computed);
  }
  assert.match(await page.evaluate(() => document.activeElement.dataset.explain ?? ''), /activity\.2\.0/);
  return page;
});

test('degraded_definition_error_and_progress_are_said_in_place', async (context) => {
  const page = await open(context, '/?mode=degraded');
  await until('notice', () => readHeader(page), (header) => /store: restarting\. 1,204 events wait in the log, none lost/.test(header.notices.status ?? ''));
  await page.goto(context.url + '/?mode=error');
  await until('definition', () => readHeader(page), (header) => /metrics\/commits\.yaml:9:17: unknown function countt/.test(header.notices.definition ?? ''));
  await until('old numbers', () => readStats(page), (stats) => stats[0]?.value === '412');
  await page.goto(context.url + '/?mode=filling');
  await until('progress', () => page.textContent('[data-progress]'), (text) => /of 5,800 windows computed/.test(text));
  return page;
});

test('a_lost_connection_leaves_the_page_readable_and_comes_back', async (context) => {
  const page = await open(context, '/?mode=lost');
  await waitForLoaded(page);
  await until('reconnecting', () => readHeader(page), (header) => header.connection === 'reconnecting');
  assert.equal((await readStats(page))[0].value, '412');
  assert.match(await page.textContent('[data-connection]'), /reconnecting, numbers as of \d\d:\d\d:\d\d/);
  await page.evaluate(() => { document.cookie = 'mode=full; path=/'; });
  await until('live', () => readHeader(page), (header) => header.connection === 'live');
  page.said = page.said.filter((text) => !text.includes('503'));  // the browser's own note of the refused stream
  return page;
});

test('live_events_rest_under_the_pointer_and_show_their_trace', async (context) => {
  const page = await open(context, '/live?mode=full');
  await until('events', () => readEvents(page), (events) => events.length >= 4);
  await page.hover('[data-events] > li:first-child');
  const before = await readEvents(page);
  await until('paused', () => page.textContent('.list-status'), (text) => /Paused · [1-9]/.test(text));
  assert.deepEqual((await readEvents(page))[0], before[0]);
  await page.click('[data-events] > li:first-child button');
  await page.waitForSelector(`[data-trace="${before[0].messageId}"] ~ [data-verdict="stored"]`);
  assert.match(page.url(), /trace=m-/);
  return page;
});

test('quarantine_counts_by_reason_and_marks_the_broken_place', async (context) => {
  const page = await open(context, '/quarantine?mode=full');
  const rejects = await until('rejects', () => readRejects(page), (all) => all.length >= 12);
  assert.equal(rejects.find((one) => one.reason === 'timestamp_invalid').marked, '"yesterday at noon"');
  assert.equal(rejects.find((one) => one.reason === 'duplicate_key').marked, '"team"');
  await page.click('[data-reason="event_missing"] button');
  await until('filtered', () => readRejects(page), (all) => all.length > 0 && all.every((one) => one.reason === 'event_missing'));
  return page;
});

test('sql_answers_in_place_with_the_engines_own_words', async (context) => {
  const page = await open(context, '/sql?mode=full');
  await page.fill('textarea', 'SELECT * FROM sluice.commits_daily');
  await page.keyboard.press('Control+Enter');
  await page.waitForSelector('[data-sql-result] tbody tr');
  assert.match(page.url(), /q=SELECT/);
  await page.fill('textarea', 'DROP TABLE x');
  await page.click('[data-sql-run]');
  assert.match(await page.textContent('[role="alert"]'), /Syntax error/);
  page.said = page.said.filter((text) => !text.includes('400'));  // the browser's own note of the refused query
  return page;
});

test('an_unknown_place_lists_what_exists', async (context) => {
  const page = await open(context, '/d/nothing?mode=full');
  await page.waitForSelector('[data-missing]');
  await page.click('[data-missing] a[href="/d/changes"]');
  await page.waitForSelector('[data-panel="changes.0.0"]');
  return page;
});

// In CPU time of the page's main thread, so that a busy machine does not change the answer.
test('twenty_live_panels_cost_less_than_a_tenth_of_a_core', async (context) => {
  const page = await open(context, '/?mode=many');
  await waitForLoaded(page);
  await page.waitForTimeout(2_000);  // what loading itself costs is not the question
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', {timeDomain: 'threadTicks'});
  const busy = async () => (await session.send('Performance.getMetrics')).metrics.find((one) => one.name === 'TaskDuration').value;
  const before = await busy();
  await page.waitForTimeout(10_000);
  const share = (await busy() - before) / 10;
  console.log(`     ${(share * 100).toFixed(1)} % of a core`);
  assert.ok(share < 0.1, `${(share * 100).toFixed(1)} % of a core`);
  return page;
});

test('theme_is_switched_and_kept', async (context) => {
  const page = await open(context, '/?mode=full', {colorScheme: 'light'});
  await page.click('button[aria-label="Dark theme"]');
  assert.equal(await page.getAttribute('html', 'data-theme'), 'dark');
  await page.reload();
  await page.waitForSelector('[data-panel]');
  assert.equal(await page.getAttribute('html', 'data-theme'), 'dark');
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(15, 16, 19)');
  return page;
});

test('axe_finds_nothing_serious_in_both_themes_and_at_390_px', async (context) => {
  let page;
  for (const path of ['/?mode=full&twin=activity.1.0', '/?mode=empty', '/?mode=degraded&explain=activity.3.0', '/?mode=error', '/?mode=filling', '/live?mode=full&trace=m-1', '/d/people?mode=full&dropped=people.1.0:3:[]&twin=people.1.0', '/d/people?mode=full&range=2026-09-01..2026-10-20&compare=previous&f.repo=fmt&explain=people.2.0', '/person?mode=full&key=u_77c1', '/quarantine?mode=full', '/sql?mode=full', '/d/nothing?mode=full']) {
    if (page) await page.context().close();
    page = await open(context, path, {reducedMotion: 'reduce'});  // a colour on its way from light to dark is neither
    await page.waitForSelector('main h1');
    await page.waitForTimeout(600);  // not for being right: lets one more second of live rows in
    if (path.startsWith('/sql')) { await page.click('[data-sql-run]'); await page.waitForSelector('[data-sql-result]'); }
    for (const [colorScheme, width] of [['light', 1440], ['dark', 1440], ['dark', 390], ['light', 390]]) {
      await page.emulateMedia({colorScheme});
      await page.setViewportSize({width, height: 844});
      assert.deepEqual(await seriousIssues(page), [], `${path} ${colorScheme} ${width}`);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth), true, `${path} ${width} scrolls sideways`);
    }
    assert.deepEqual(page.said, [], path);
  }
  return page;
});

const server = await start();
const browser = await launch();
let failed = 0;
for (const {name, run} of tests.filter((one) => one.name.includes(process.argv[2] ?? ''))) {
  const begun = Date.now();
  try {
    const page = await run({browser, url: server.url});
    assert.deepEqual(page.said, [], 'errors of the page');
    assert.deepEqual(page.outside, [], 'requests to other origins');
    await page.context().close();
    console.log(`ok   ${name} ${Date.now() - begun} ms`);
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}\n${error.stack}`);
  }
}
await browser.close();
server.close();
console.log(`${failed === 0 ? 'passed' : `${failed} failed`}`);
process.exit(failed === 0 ? 0 : 1);
