// @clickhouse/client, unmodified: ten questions in the formats that Node.js callers use.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createClient } from '@clickhouse/client';

const COUNT = 1000;
const EVENTS = ['page_viewed', 'order_paid', 'signed_up'];
const client = createClient({ url: process.env.SLUICE_SQL_URL, database: 'sluice', username: 'app', password: 'any' });
after(() => client.close());

const json = async (query, more = {}) => (await client.query({ query, format: 'JSONEachRow', ...more })).json();

test('it answers a ping, with and without a query', async () => {
  assert.equal((await client.ping()).success, true);
  assert.equal((await client.ping({ select: true })).success, true);
});

test('a count', async () => {
  assert.deepEqual(await json('SELECT toUInt32(count()) AS n FROM events'), [{ n: COUNT }]);
});

test('groups', async () => {
  const rows = await json('SELECT event, toUInt32(count()) AS n FROM events GROUP BY event ORDER BY event');
  const expected = [...EVENTS].sort().map((event) => ({ event, n: [...Array(COUNT).keys()].filter((i) => EVENTS[i % 3] === event).length }));
  assert.deepEqual(rows, expected);
});

test('named parameters, also awkward ones', async () => {
  const rows = await json('SELECT {a:String} AS a, {n:UInt32} AS n, {l:Array(String)} AS l, {d:DateTime64(3)} AS d', {
    query_params: { a: "it's\ta \\ tab", n: 7, l: ['x', "y'z"], d: new Date(Date.UTC(2026, 2, 1, 1, 2, 3)) },
  });
  assert.deepEqual(rows, [{ a: "it's\ta \\ tab", n: 7, l: ['x', "y'z"], d: '2026-03-01 01:02:03.000' }]);
});

test('a parameter of 20,000 characters', async () => {
  const long = 'x'.repeat(20_000);
  assert.deepEqual(await json('SELECT toUInt32(length({a:String})) AS n', { query_params: { a: long } }), [{ n: 20_000 }]);
});

test('exact decimals as texts', async () => {
  const rows = await json("SELECT toString(sum(numbers['properties.amount'])) AS total FROM events");
  assert.deepEqual(rows, [{ total: '499750' }]);
});

test('the JSON format with its meta data', async () => {
  const reply = await (await client.query({ query: 'SELECT message_id FROM events ORDER BY event_time LIMIT 3', format: 'JSON' })).json();
  assert.equal(reply.rows, 3);
  assert.deepEqual(reply.meta, [{ name: 'message_id', type: 'String' }]);
  assert.deepEqual(reply.data.map((row) => row.message_id), ['m_0', 'm_1', 'm_2']);
});

test('rows as a stream', async () => {
  const result = await client.query({ query: 'SELECT message_id, event FROM events', format: 'JSONCompactEachRow' });
  let rows = 0;
  for await (const some of result.stream()) rows += some.length;
  assert.equal(rows, COUNT);
});

test('CSV as text', async () => {
  const text = await (await client.query({ query: 'SELECT user_id FROM events', format: 'CSVWithNames' })).text();
  assert.equal(text.trimEnd().split('\n').length, COUNT + 1);
});

test('maps are objects', async () => {
  const rows = await json("SELECT texts FROM events WHERE message_id = 'm_5'");
  assert.equal(rows[0].texts['properties.country'], 'fr');
});

test('an exception has its code and type', async () => {
  await assert.rejects(json('SELECT * FROM nothing_here'), (error) => error.code === '60' && error.type === 'UNKNOWN_TABLE');
  await assert.rejects(json("SELECT file('/etc/passwd')"), (error) => error.code === '497');
  await assert.rejects(client.insert({ table: 'events', values: [{ event: 'x' }], format: 'JSONEachRow' }));
});

test('a query can be given up', async () => {
  const slow = 'SELECT max(sipHash64(a.epoch, b.epoch, c.epoch)) FROM events AS a, events AS b, events AS c';
  await assert.rejects(json(slow, { abort_signal: AbortSignal.timeout(300) }));
  assert.deepEqual(await json('SELECT 1 AS one'), [{ one: 1 }]);
});
