// A small shop for page tests: its project, its events, and what every panel of it must show, computed from the events alone.
//
// Events   The same for the same day: 70 people over nine weeks that end today. Nothing here reads what the program says.
// Truth    Plain loops over all events; the rules are those of docs/definitions.md.
export const kDay = 86_400_000;
export const kWeek = 7 * kDay;
const kMonday = 4 * kDay;  // 1970-01-05
export const kWithin = 2 * 3_600_000;
const kGap = 1_800_000;

export const kFiles = {
  'sluice.yaml': `version: 1
name: little_shop
sources:
  - {name: site, disorder: 2s, idle: 2s, dedup: 24h}
`,
  'metrics/shop.yaml': `version: 1
metrics:
  - name: views_daily
    question: What is looked at?
    where: event = 'seen'
    window: {tumble: 1d}
    allowed_lateness: 1m
    dimensions: {country: properties.country, page: properties.page}
    measures:
      views: count()
      people: distinct(user_key)
      p50: "percentile(properties.ms, 0.5)"
      p90: "percentile(properties.ms, 0.9)"
      p99: "percentile(properties.ms, 0.99)"
      most_seen: "topk(properties.page, 5)"
  - name: orders_daily
    question: What is bought?
    where: event = 'bought'
    window: {tumble: 1d}
    allowed_lateness: 1m
    measures: {orders: count()}
funnels:
  - name: buying
    question: Who buys what they see?
    by: user_key
    within: 2h
    window: {tumble: 1d}
    dimensions: {country: properties.country}
    steps:
      - {name: seen, where: event = 'seen'}
      - {name: added, where: event = 'added'}
      - {name: bought, where: event = 'bought'}
retention:
  - name: weekly_buyers
    question: Who comes back to buy?
    by: user_key
    window: {tumble: 7d, offset: 4d}
    periods: 5
    start: event = 'bought'
    return: event = 'bought'
`,
  'dashboards/shop.yaml': `version: 1
dashboards:
  - name: shop
    question: Who buys, and who comes back?
    rows:
      - [{stat: views_daily.views, over: 28d}, {stat: orders_daily.orders, over: 28d}]
      - [{funnel: buying, over: 28d}]
      - [{funnel: buying, by: country, over: 28d}]
      - [{retention: weekly_buyers, over: 63d}]
      - [{top: views_daily.views, by: page, limit: 4, over: 28d}, {top: views_daily.most_seen, over: 28d}]
      - [{band: views_daily, measures: [p50, p90, p99], over: 28d}]
      - [{timeseries: views_daily.views, by: country, over: 28d}]
`,
};

// With sessions, in programs that have them.
export const kSessionFiles = {
  'metrics/visits.yaml': `version: 1
sessions:
  - {name: visits, gap: 30m, max: 24h}
`,
  'dashboards/around.yaml': `version: 1
dashboards:
  - name: around
    question: How do people look around?
    rows:
      - [{sessions: visits, over: 63d}]
`,
};

function noise(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const kCountries = ['de', 'fr', 'nl', null];
const kPages = ['/', '/shoes', '/hats', '/coats', '/sale, "today"', '/help'];

// In the order of their times: [{event, timestamp, user_id, message_id, properties}], and time in ms beside them.
export function shopEvents(now) {
  const random = noise(20);
  const start = Math.floor((now - kMonday) / kWeek) * kWeek + kMonday - 8 * kWeek;
  const last = now - 600_000;
  const events = [];
  const add = (time, event, person, properties) => {
    if (time < last) events.push({time, event, person: `u_${person}`, properties});
  };
  for (let person = 0; person < 70; person++) {
    const country = kCountries[Math.floor(random() * 4)];
    const home = country === null ? {} : {country};
    for (let day = start + Math.floor(random() * 30) * kDay; day < last; day += Math.ceil(random() * 9) * kDay) {
      let time = day + Math.floor(random() * 20 * 3_600_000);
      for (let view = 1 + Math.floor(random() * 4); view > 0; view--) {
        add(time, 'seen', person, {...home, page: kPages[Math.floor(random() ** 2 * 6)], ms: Math.floor(20 + 900 * random() ** 4) / 2});
        time += Math.floor(random() * 900_000);
      }
      if (random() < 0.6) {
        time += Math.floor(random() * 3_600_000 * 1.5);  // some come too late to count
        add(time, 'added', person, {...home, items: 1 + Math.floor(random() * 3)});
        if (random() < 0.55) add(time + Math.floor(random() * 3_600_000), 'bought', person, {...home, amount: Math.floor(random() * 9_000) / 100});
      }
    }
  }
  events.sort((a, b) => a.time - b.time);
  return events.map((one, at) => ({...one, id: `shop-${at}`}));
}

export const lineOf = ({time, event, person, properties, id}) =>
  JSON.stringify({event, timestamp: new Date(time).toISOString(), user_id: person, message_id: id, properties});

// ---- truth

export const nearestRank = (values, p) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? null : sorted[Math.max(1, Math.ceil(p * sorted.length)) - 1];
};
const inside = (events, {start, end}) => events.filter((one) => one.time >= start && one.time < end);
const country = (one) => one.properties.country ?? null;

// What each person reached from entries in the window: {person: {level, times: [t2 - t1, ...], entered}}.
export function reached(events, {start, end}, of = () => true, step = (name, one) => one.event === name) {
  const people = new Map();
  const names = ['seen', 'added', 'bought'];
  for (const person of new Set(events.map((one) => one.person))) {
    const own = events.filter((one) => one.person === person);
    const entries = own.filter((one) => step('seen', one) && one.time >= start && one.time < end && of(one));
    if (entries.length === 0) continue;
    const best = [null, null, null];  // per level: the earliest time that reaches it, from the latest entry
    for (const {time: t1} of entries) {
      let at = t1;
      for (let level = 0; level < 3; level++) {
        const next = level === 0 ? t1 : own.find((one) => step(names[level], one) && one.time >= at && one.time - t1 <= kWithin)?.time;
        if (next === undefined) break;
        at = next;
        if (best[level] === null || at < best[level].at || (at === best[level].at && t1 > best[level].t1)) best[level] = {at, t1};
      }
    }
    people.set(person, {
      level: best.filter(Boolean).length, times: best.map((one) => one && one.at - one.t1), entered: Math.max(...entries.map((one) => one.time)),
    });
  }
  return people;
}

// As the page tells a funnel's steps.
export function funnelTruth(events, window, of, step) {
  const people = [...reached(events, window, of, step).values()];
  const counts = [1, 2, 3].map((level) => people.filter((one) => one.level >= level).length);
  return ['seen', 'added', 'bought'].map((name, at) => {
    const median = nearestRank(people.flatMap((one) => (one.level > at ? [one.times[at]] : [])), 0.5);
    return {step: at + 1, name, people: String(counts[at]), dropped: String(at === 0 ? 0 : counts[at - 1] - counts[at]), median: median === null ? null : String(median)};
  });
}

export function groupsTruth(events, window) {
  const groups = new Map(kCountries.map((key) => [key, funnelTruth(events, window, (one) => country(one) === key)]));
  return [...groups].filter(([, steps]) => steps[0].people !== '0');
}

// [{start, size, people: [..]}] of cohorts that have people; periods up to the one that `now` lies in.
export function retentionTruth(events, periods, now) {
  const week = (time) => Math.floor((time - kMonday) / kWeek) * kWeek + kMonday;
  const bought = events.filter((one) => one.event === 'bought');
  const first = new Map();
  for (const one of bought) if (!first.has(one.person)) first.set(one.person, week(one.time));
  return [...new Set(first.values())].sort((a, b) => a - b).map((start) => ({
    start,
    people: Array.from({length: periods}, (_, k) => start + k * kWeek).filter((begun) => begun <= now).map((begun, k) => {
      const back = new Set(bought.filter((one) => first.get(one.person) === start && week(one.time) === begun).map((one) => one.person));
      return String(k === 0 ? [...first.values()].filter((one) => one === start).length : back.size);
    }),
  }));
}

export function topTruth(events, window, limit, of = () => true) {
  const counts = new Map();
  for (const one of inside(events, window)) if (one.event === 'seen' && of(one)) counts.set(one.properties.page, (counts.get(one.properties.page) ?? 0) + 1);
  return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).slice(0, limit).map(([page, n]) => ({key: [page], value: String(n)}));
}

// {start of day: [p50, p90, p99]} as decimal texts.
export function bandTruth(events, window) {
  const days = new Map();
  for (const one of inside(events, window)) {
    if (one.event !== 'seen') continue;
    const day = Math.floor(one.time / kDay) * kDay;
    days.set(day, [...(days.get(day) ?? []), one.properties.ms]);
  }
  return new Map([...days].map(([day, values]) => [day, [0.5, 0.9, 0.99].map((p) => String(nearestRank(values, p)))]));
}

export const countTruth = (events, window, event, of = () => true) =>
  String(inside(events, window).filter((one) => one.event === event && of(one)).length);

// Sessions by a gap over 30 minutes, newest first: [{started_at, user_key, events, duration_ms}], as texts.
export function sessionsTruth(events) {
  const sessions = [];
  for (const person of new Set(events.map((one) => one.person))) {
    let open = null;
    for (const {time} of events.filter((one) => one.person === person)) {
      if (open === null || time - open.last > kGap) {
        open = {first: time, last: time, events: 0, person};
        sessions.push(open);
      }
      open.last = time;
      open.events++;
    }
  }
  return sessions.sort((a, b) => b.first - a.first)
    .map((one) => ({started_at: String(one.first), user_key: one.person, events: String(one.events), duration_ms: String(one.last - one.first)}));
}

export const ofCountry = (name) => (one) => country(one) === name;
