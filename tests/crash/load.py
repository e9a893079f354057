"""load.py - several threads send batches of unique events, as SDKs do, and keep a journal of what was acknowledged.

Event    All of it follows from its message id (see sale()), so that what must be stored is computed from ids alone.
Client   A batch without an answer is mostly sent again, like an SDK's, and sometimes given up; an acknowledged one is now and then sent
         again whole. A refusal (429, 503) is sent again after a moment. Any other answer is a failure.
Judging  verify(): of each acknowledged id exactly one row; of no id two; nothing that was never sent; each bad event in quarantine as often
         as its batch was taken; the ledger balances; the metric's rows are those computed here, those of all other kinds of definitions
         the ones of people.py.
"""
import collections
import decimal
import http.client
import json
import random
import threading
import time
import urllib.parse
import zlib

import people
from harness import KEY, check, wait_for

SHOPS = ["amsterdam", "bergen", "córdoba", None]
MINUTES_BACK = 30


def sale(message_id):
    """(time in ms, shop, amount in thousandths, user) of an id."""
    name, at = message_id.rsplit(".", 1)
    dice = zlib.crc32(name.encode())
    return int(at), SHOPS[dice % 4], dice // 4 % 1_000_000, f"u{dice // 7 % 50}"


def step_of(message_id):
    return "looked" if zlib.crc32(message_id.encode()) % 3 else "bought"


def event_of(message_id):
    at, shop, amount, user = sale(message_id)
    properties = {"amount": amount / 1000, "step": step_of(message_id)}
    if shop:
        properties["shop"] = shop
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at // 1000)) + f".{at % 1000:03d}Z"
    return {"event": "sold", "message_id": message_id, "timestamp": stamp, "user_id": user, "properties": properties}


def expected_rows(ids):
    """{(window start in ms, shop): (sales, amount, buyers)} of the metric `sold`."""
    groups = collections.defaultdict(lambda: [0, 0, set()])
    for message_id in ids:
        at, shop, amount, user = sale(message_id)
        group = groups[at // 60000 * 60000, shop]
        group[0] += 1
        group[1] += amount
        group[2].add(user)
    return {key: (sales, decimal.Decimal(amount) / 1000, len(users)) for key, (sales, amount, users) in groups.items()}


class Batch:
    def __init__(self, ids, bad):
        self.ids = ids
        self.bad = bad  # id of an event that belongs into quarantine, or None
        self.attempts = 0
        self.acks = 0
        events = [event_of(message_id) for message_id in ids]
        if bad:
            events.insert(len(events) // 2, {"event": "sold", "message_id": bad, "timestamp": "yesterday, about noon"})
        self.body = json.dumps(events).encode()


class Load:
    def __init__(self, program, seed, threads=4, batch=25, pause=0.004, filler=0, name="m"):
        self.program = program
        self.batch = batch
        self.pause = pause
        self.filler = filler      # bytes of a text that does not compress, per event
        self.name = name
        self.began_ms = int(time.time() * 1000)
        self.lock = threading.Lock()
        self.batches = []
        self.unanswered = []      # (sent at, lost at) of requests that were sent whole and never answered
        self.refused = collections.Counter()
        self.refusals_without_retry_after = 0
        self.wrong = []
        self.waits = []           # seconds from sending to the acknowledgement
        self.acked_events = 0
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(k, random.Random(f"{seed}/{k}"))) for k in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def wait_acked(self, more, patience=60):
        goal = self.acked_events + more
        wait_for(f"{more} more acknowledged events", lambda: self.acked_events >= goal or self.wrong, patience)

    def lost_answer_at(self, moment):
        """A request was sent before that moment, and its answer never came."""
        with self.lock:
            return any(sent < moment <= lost for sent, lost in self.unanswered)

    def _new(self, thread, number, dice):
        now = int(time.time() * 1000)
        ids = []
        for i in range(self.batch):
            at = now
            if dice.random() < 0.2:  # late
                at = self.began_ms - dice.randrange(MINUTES_BACK * 60000)
            ids.append(f"{self.name}{thread}.{number}.{i}.{at}")
        return Batch(ids, f"bad{thread}.{number}" if dice.random() < 0.1 else None)

    def _run(self, thread, dice):
        connection, connected_to = None, None
        again, number = collections.deque(), 0
        while not self.stopping.is_set():
            url = self.program.urls.get("collect")
            if url is None:
                time.sleep(0.005)
                continue
            if again and dice.random() < 0.5:
                batch = again.popleft()
            else:
                batch = self._new(thread, number, dice)
                number += 1
                if self.filler:
                    self._fill(batch, dice)
                with self.lock:
                    self.batches.append(batch)
            if connected_to != url:
                where = urllib.parse.urlsplit(url)
                connection, connected_to = http.client.HTTPConnection(where.hostname, where.port, timeout=30), url
            sent = None
            try:
                batch.attempts += 1
                connection.request("POST", "/v1/events", batch.body, KEY)
                sent = time.monotonic()
                reply = connection.getresponse()
                text = reply.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                if sent is not None:
                    with self.lock:
                        self.unanswered.append((sent, time.monotonic()))
                if dice.random() < 0.8:
                    again.append(batch)
                time.sleep(0.01)
                continue
            if reply.status == 200:
                self._acknowledged(batch, json.loads(text), time.monotonic() - sent)
                if dice.random() < 0.05:
                    again.append(batch)
                time.sleep(self.pause)
            elif reply.status in (429, 503):
                with self.lock:
                    self.refused[reply.status] += 1
                    self.refusals_without_retry_after += "Retry-After" not in reply.headers
                again.append(batch)
                time.sleep(0.1)
            else:
                with self.lock:
                    self.wrong.append(f"{reply.status}: {text[:300]!r}")
                time.sleep(0.1)

    def _fill(self, batch, dice):
        events = json.loads(batch.body)
        for event in events:
            event.setdefault("context", {})["filler"] = dice.randbytes(self.filler // 2).hex()
        batch.body = json.dumps(events).encode()

    def _acknowledged(self, batch, verdict, took):
        with self.lock:
            if verdict["accepted"] != len(batch.ids) or len(verdict["rejected"]) != (batch.bad is not None):
                self.wrong.append(f"a verdict that does not fit its batch: {verdict}")
            batch.acks += 1
            self.acked_events += len(batch.ids)
            self.waits.append(took)

    # Judging

    def verify(self, others=0, metric_patience=60):
        """Stops the load and compares what it knows with all that the program tells. `others`: what was received besides."""
        self.stop()
        program = self.program
        check(not self.wrong, f"{len(self.wrong)} wrong answers, the first:", self.wrong[:1])
        program.wait_stored()
        rows = program.sql(f"SELECT message_id, count() FROM sluice.events WHERE message_id LIKE '{self.name}%' GROUP BY 1 FORMAT TSV", 60)
        stored = {message_id: int(n) for message_id, n in (line.split("\t") for line in rows.splitlines())}
        acked = {i for batch in self.batches if batch.acks for i in batch.ids}
        sent = {i for batch in self.batches for i in batch.ids}
        lost = acked - stored.keys()
        doubled = [i for i, n in stored.items() if n > 1]
        check(not lost, f"{len(lost)} of {len(acked)} acknowledged events lost, such as", sorted(lost)[:3])
        check(not doubled, f"{len(doubled)} events doubled, such as", sorted(doubled)[:3])
        check(stored.keys() <= sent, "rows that nobody sent:", sorted(stored.keys() - sent)[:3])
        self._verify_quarantine()
        self._verify_ledger(stored, others)
        self._verify_metric(stored, metric_patience)
        self._verify_people(stored, metric_patience)
        return f"{len(acked)} acknowledged, {len(stored)} stored, 0 lost, 0 doubled"

    def _verify_quarantine(self):
        ids = self.program.sql("SELECT message_id FROM sluice.quarantine WHERE message_id LIKE 'bad%' AND reason = 'timestamp_invalid' FORMAT TSV")
        found = collections.Counter(ids.split())
        for batch in self.batches:
            if batch.bad:
                n = found.pop(batch.bad, 0)
                check(batch.acks <= n <= batch.attempts,
                      f"the bad event {batch.bad} was acknowledged {batch.acks} times in {batch.attempts} attempts, quarantine has it {n} times")
        check(not found, "rows in quarantine that nobody sent:", list(found)[:3])

    def _verify_ledger(self, stored, others):
        code, report = self.program.ledger()
        totals = report["totals"]
        check(code == 0 and report["balances"], f"the ledger does not balance (exit {code}): {json.dumps(report)[:1500]}")
        fates = totals["stored"] + totals["quarantined"] + totals["duplicate"]
        check(totals["pending"] == 0 and totals["received"] == fates, f"the ledger's totals do not add up: {totals}")
        size = [(len(b.ids) + (b.bad is not None), b) for b in self.batches]
        least, most = sum(n * b.acks for n, b in size), sum(n * b.attempts for n, b in size)
        check(least + others <= totals["received"] <= most + others,
              f"the ledger has {totals['received']} received; clients had {least} acknowledged and sent {most}; {others} came besides")
        count = int(self.program.query("SELECT count() FROM sluice.events").split()[-1])
        check(totals["stored"] == count and (others or count == len(stored)),
              f"the ledger has {totals['stored']} stored, `sluice query` counts {count}, the SQL port lists {len(stored)} of the load")

    def _verify_metric(self, ids, patience):
        expected = expected_rows(ids)

        def difference():
            rows = self.program.sql("SELECT toUnixTimestamp64Milli(window_start), shop, sales, amount, buyers FROM sluice.sold FORMAT TSV")
            found = {(int(start), None if shop == "\\N" else shop): (int(sales), decimal.Decimal(amount), int(buyers))
                     for start, shop, sales, amount, buyers in (row.split("\t") for row in rows.splitlines())}
            return [(key, expected.get(key), found.get(key)) for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)]

        deadline = time.monotonic() + patience
        while wrong := difference():  # late events are counted in by jobs, a moment later
            check(time.monotonic() < deadline, f"{len(wrong)} of {len(expected)} rows of the metric are wrong; (window, shop), expected, found:", wrong[:3])
            time.sleep(0.2)

    def _verify_people(self, ids, patience):
        events = []
        for message_id in ids:
            at, shop, _, user = sale(message_id)
            events.append((at, shop, user, step_of(message_id)))
        expected = people.expected(events)
        deadline = time.monotonic() + patience
        while wrong := people.differences(expected, self.program):
            check(time.monotonic() < deadline, *wrong)
            time.sleep(0.2)
