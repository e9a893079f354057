// What a test can ask of the page: everything by stable data attributes, listed in web/README.md. Used with any server.
//
//   const browser = await launch();
//   const page = await openPage(browser, url);
//   const stats = await readStats(page);          // [{panel, label, value: '412', state: 'final', start, end, epoch, asOf}]
//   await waitForStat(page, 'activity.0.0', (stat) => stat.value === '412');
//
// Errors: a wait that runs out says what it last saw.
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';

export const kDeadline = 90_000;  // of a busy machine; a quiet one answers in a moment

// A page with its console and requests watched: `page.said` are errors of the page, `page.outside` requests to other origins.
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext({viewport: {width: 1440, height: 900}, ...options});
  context.setDefaultTimeout(kDeadline);
  const page = await context.newPage();
  const origin = new URL(url).origin;
  page.said = [];
  page.outside = [];
  page.on('console', (message) => { if (message.type() === 'error') page.said.push(message.text()); });
  page.on('pageerror', (error) => page.said.push(String(error)));
  page.on('request', (request) => { if (new URL(request.url()).origin !== origin) page.outside.push(request.url()); });
  await page.goto(url);
  return page;
}

// Asks `read` until `good` says yes.
export async function until(what, read, good, deadline = kDeadline) {
  const end = Date.now() + deadline;
  let seen;
  for (;;) {
    seen = await read();
    if (await good(seen)) return seen;
    if (Date.now() > end) throw new Error(`not within ${deadline} ms: ${what}; last seen: ${JSON.stringify(seen)?.slice(0, 2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const whole = (text) => (text === null || text === undefined ? null : Number(text));

// Every stat of the page. `value` is the decimal text, null for no value; `loaded` is false until the first snapshot.
export function readStats(page) {
  return page.$$eval('[data-kind="stat"]', (all) => all.map((one) => {
    const number = (name) => (one.dataset[name] === undefined ? null : Number(one.dataset[name]));
    return {
      panel: one.dataset.panel, label: one.querySelector('h3').textContent, value: one.dataset.value ?? null, state: one.dataset.state ?? null,
      text: one.querySelector('strong').textContent, start: number('start'), end: number('end'), epoch: number('epoch'), asOf: number('asOf'),
      loaded: one.dataset.loaded === 'true',
    };
  }));
}

export function waitForStat(page, panel, good, deadline) {
  return until(`stat ${panel}`, async () => (await readStats(page)).find((one) => one.panel === panel) ?? null, (stat) => stat !== null && good(stat), deadline);
}

// All panels answered at least once.
export function waitForLoaded(page, deadline) {
  const read = () => page.$$eval('[data-panel][data-kind]', (all) => all.map((one) => [one.dataset.panel, one.dataset.loaded ?? 'false']));
  return until('all panels loaded', read, (all) => all.length > 0 && all.every(([, loaded]) => loaded === 'true'), deadline);
}

// The rows of a table panel: [{key: ['fmt'], state, cells: {repo: 'fmt', commits: '1873'}}].
export function readTable(page, panel) {
  return page.$$eval(`[data-panel="${panel}"] tbody tr`, (rows) => rows.map((row) => ({
    key: JSON.parse(row.dataset.key), state: row.dataset.state,
    cells: Object.fromEntries([...row.querySelectorAll('[data-column]')].map((cell) => [cell.dataset.column, cell.dataset.value ?? null])),
  })));
}

// The buckets of a chart from its table twin, newest first: [{start, end, state, values: [{key, value, state, revised, cause}]}].
// Closed, the twin holds the newest 48 buckets; `all` opens it.
export async function readBuckets(page, panel, {all = false} = {}) {
  const root = page.locator(`[data-panel="${panel}"]`);
  await root.scrollIntoViewIfNeeded();
  const opened = all && await openTwin(page, panel);
  const rows = await page.$$eval(`[data-twin="${panel}"] tbody tr`, (found) => found.map((row) => ({
    start: Number(row.dataset.bucket), end: Number(row.dataset.end), state: row.dataset.state ?? null,
    values: [...row.querySelectorAll('td[data-key]')].map((cell) => ({
      key: JSON.parse(cell.dataset.key), value: cell.dataset.value ?? null, state: cell.dataset.state ?? null,
      revised: cell.dataset.revised ?? null, cause: cell.dataset.cause ?? null,
    })),
  })));
  if (opened) await page.click(`[data-panel="${panel}"] button:has-text("Hide table")`);
  return rows;
}

async function openTwin(page, panel) {
  const button = page.locator(`[data-panel="${panel}"] button[aria-pressed="false"]:text-is("Table")`);
  if (await button.count() === 0) return false;
  await button.click();
  const count = await page.getAttribute(`[data-panel="${panel}"]`, 'data-buckets');
  await until(`twin of ${panel}`, () => page.locator(`[data-twin="${panel}"] tbody tr`).count(), (rows) => rows >= Number(count));
  return true;
}

// The steps of a funnel's shown group: [{step: 1, name: 'viewed', people: '120', dropped: '0', median: null, before: null}].
export function readSteps(page, panel) {
  return page.$$eval(`[data-panel="${panel}"] .steps > li`, (all) => all.map(({dataset}) => ({
    step: Number(dataset.step), name: dataset.name, people: dataset.people, dropped: dataset.dropped, median: dataset.median ?? null, before: dataset.before ?? null,
  })));
}

// All groups of a funnel from its table twin: [{key: ['de'], step: 1, people: '120', dropped: '0', median: null}].
export function readGroups(page, panel) {
  return page.$$eval(`[data-twin="${panel}"] tbody tr`, (rows) => rows.map((row) => {
    const [people, , , dropped, median] = [...row.querySelectorAll('td')].map((cell) => cell.dataset.value ?? null);
    return {key: JSON.parse(row.dataset.key), step: Number(row.dataset.step), people, dropped, median};
  }));
}

// The cohorts of a retention panel, oldest first, periods that have begun: [{start, end, size: '12', cells: [{period: 0, people: '12', state: 'final'}]}].
export function readCohorts(page, panel) {
  return page.$$eval(`[data-panel="${panel}"] tr[data-cohort]`, (rows) => rows.map((row) => ({
    start: Number(row.dataset.cohort), end: Number(row.dataset.end), size: row.querySelector('[data-size]').dataset.size,
    cells: [...row.querySelectorAll('[data-period]')].map(({dataset}) => ({period: Number(dataset.period), people: dataset.people, state: dataset.state})),
  })));
}

// The bars of a top panel: [{key: ['/home'], value: '123', before: null}].
export function readTop(page, panel) {
  return page.$$eval(`[data-panel="${panel}"] tbody tr`, (rows) => rows.map(({dataset}) => ({
    key: JSON.parse(dataset.key), value: dataset.value ?? null, before: dataset.before ?? null,
  })));
}

// The sessions listed, newest first: [{id, state, started_at, user_key, events, duration_ms, source}], values as text.
export function readSessions(page, panel) {
  return page.$$eval(`[data-panel="${panel}"] tr[data-session]`, (rows) => rows.map((row) => ({
    id: row.dataset.session, state: row.dataset.state,
    ...Object.fromEntries([...row.querySelectorAll('[data-column]')].map((cell) => [cell.dataset.column, cell.dataset.value ?? null])),
  })));
}

// The events of the session or person that is shown: [{messageId, event, time}].
export function readEventRows(page) {
  return page.$$eval('.event-rows > li', (all) => all.map(({dataset}) => ({messageId: dataset.messageId, event: dataset.event, time: Number(dataset.time)})));
}

// Whether a panel shows the answer to the present range and filters, and the period before where it is compared.
export function waitForAnswers(page, deadline) {
  const read = () => page.$$eval('[data-panel][data-kind]', (all) => all.map((one) => [one.dataset.panel, one.classList.contains('asking')]));
  return until('all panels answered', read, (all) => all.length > 0 && all.every(([, asking]) => !asking), deadline);
}

// Watches one bucket until its state is `state`.
export function waitForBucket(page, panel, start, state, deadline) {
  return until(
    `bucket ${start} of ${panel} ${state}`, async () => (await readBuckets(page, panel)).find((one) => one.start === start) ?? null,
    (bucket) => bucket?.state === state, deadline);
}

// {received, stored, quarantined, duplicate, pending, missing, balances, text}; null before the first one.
export function readLedger(page) {
  return page.evaluate(() => {
    const element = document.querySelector('[data-ledger]');
    if (!element) return null;
    const {received, stored, quarantined, duplicate, pending, missing, balances} = element.dataset;
    return {
      received: Number(received), stored: Number(stored), quarantined: Number(quarantined), duplicate: Number(duplicate),
      pending: Number(pending), missing: Number(missing), balances: balances === 'true', text: element.textContent,
    };
  });
}

// {connection: 'live', asOf, watermark, behindMs, status: 'ready', notices: {status, ledger, definition}}
export async function readHeader(page) {
  const header = await page.evaluate(() => {
    const value = (selector, name) => document.querySelector(selector)?.dataset[name] ?? null;
    return {
      connection: value('[data-connection]', 'connection'), asOf: value('[data-connection]', 'asOf'), watermark: value('.behind', 'watermark'),
      behindMs: value('.behind', 'behindMs'), status: value('.notices', 'status'),
      notices: Object.fromEntries([...document.querySelectorAll('[data-notice]')].map((one) => [one.dataset.notice, one.textContent])),
    };
  });
  return {...header, asOf: whole(header.asOf), watermark: whole(header.watermark), behindMs: whole(header.behindMs)};
}

// Opens "How do you know?" of a panel, computes it from raw events and closes it: {equal, shown: [..], computed: [..], text}.
export async function verifyPanel(page, panel, deadline = kDeadline) {
  await page.click(`[data-explain="${panel}"]`);
  await page.click(`[data-verify-run="${panel}"]`);
  const result = await page.waitForSelector('[data-verify], .verify [data-error]', {timeout: deadline});
  if (await result.getAttribute('data-error') !== null) throw new Error(`${panel} was not verified: ${await result.textContent()}`);
  const answer = await result.evaluate((one) => ({
    equal: one.dataset.verify === 'equal', text: one.textContent,
    shown: [...one.querySelectorAll('[data-shown]')].map((cell) => cell.dataset.shown),
    computed: [...one.querySelectorAll('[data-computed]')].map((cell) => cell.dataset.computed),
  }));
  await page.keyboard.press('Escape');
  await page.waitForSelector('.aside', {state: 'detached'});
  return answer;
}

// The rejects listed on /quarantine, newest first, with the marked text.
export function readRejects(page) {
  return page.$$eval('.rejects > li', (all) => all.map((one) => ({
    reason: one.dataset.reason, path: one.dataset.path, place: one.dataset.place, raw: one.querySelector('pre').textContent,
    marked: one.querySelector('mark')?.textContent ?? null,
  })));
}

// The events listed on /live, newest first.
export function readEvents(page) {
  return page.$$eval('[data-events] > li', (all) => all.map((one) => ({
    messageId: one.dataset.messageId, verdict: one.dataset.verdict, event: one.querySelector('.event-name').textContent,
    source: one.querySelector('.event-source').textContent, user: one.querySelector('.event-user').textContent,
  })));
}

// axe-core in the page: violations of impact serious or critical, as [{id, impact, nodes: [selector]}].
// It is handed over the debugger's way, so that the page's own CSP stays as it is.
export async function seriousIssues(page) {
  const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(source);
  const {violations} = await page.evaluate(() => globalThis.axe.run(document, {resultTypes: ['violations']}));
  return violations
    .filter((one) => one.impact === 'serious' || one.impact === 'critical')
    .map((one) => ({id: one.id, impact: one.impact, nodes: one.nodes.map((node) => `${node.target.join(' ')}: ${node.failureSummary}`)}));
}
