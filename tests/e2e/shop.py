#!/usr/bin/env python3
"""shop.py --sluice PROGRAM --events GENERATOR - the shop's numbers against what its generator knows that it made.

Runs `sluice up` on a copy of examples/shop, sends nine weeks of events in the order of the generator, and compares with the truth that it
wrote: every row of every definition (by SQL), every number of every panel (by the page's interface), the ledger, the corrected clocks.
What must have happened for that to mean something (late phones, wrong clocks, retries, bots, ...) is counted; a zero fails.
Ends with 'N passed, M failed'.
"""
import argparse
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/compat/sql_clients"))
from running_project import addresses, ask, wait_for  # noqa: E402

GENERATED = ["--seed", "8", "--people", "900", "--start", "2025-03-31T06:00:00Z", "--end", "2025-06-02T09:30:00Z"]
BATCH_LINES = 500
PATIENCE_S = 60
# Of each definition: columns that are instants.
TIMES = {"window_start", "window_end", "cohort_start", "started_at", "ended_at"}


class Test:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, wrong, detail=""):
        """`wrong`: what differs, as lines; none is a pass."""
        if wrong:
            self.failed += 1
            print(f"FAIL  {name}")
            for line in wrong[:8]:
                print(f"      {line[:400]}")
        else:
            self.passed += 1
            print(f"ok    {name}{': ' if detail else ''}{detail}")


def requests(lines):
    """Bodies of up to BATCH_LINES lines. What a phone with a wrong clock hands over at once stays in one request."""
    batch, last = [], None
    for line in lines:
        one = json.loads(line)
        together = (one.get("anonymous_id"), one["sent_at"]) if "sent_at" in one else None
        if len(batch) >= BATCH_LINES and (together is None or together != last):
            yield b"".join(batch)
            batch = []
        batch.append(line)
        last = together
    if batch:
        yield b"".join(batch)


def send(url, key, lines):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=30)
    for body in requests(lines):
        deadline = time.monotonic() + PATIENCE_S
        while True:
            connection.request("POST", "/v1/events", body, {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"})
            with contextlib.closing(connection.getresponse()) as reply:
                answer = reply.read()
                if reply.status == 200:
                    break
                if reply.status not in (429, 503) or time.monotonic() > deadline:
                    raise SystemExit(f"POST /v1/events: {reply.status} {answer[:300]}")
            time.sleep(0.05)
    connection.close()


def snapshots(url, panels):
    """One look at the page's stream: the first whole data of each panel, and the ledger."""
    query = urllib.parse.urlencode({"panels": ",".join(panels)})
    found, ledger, kind = {}, None, ""
    deadline = time.monotonic() + PATIENCE_S
    with urllib.request.urlopen(f"{url}/api/live?{query}", timeout=PATIENCE_S) as stream:
        for line in stream:
            if line.startswith(b"event:"):
                kind = line[6:].strip().decode()
            elif line.startswith(b"data:"):
                data = json.loads(line[5:])
                if kind == "snapshot" and data["data"] is not None:
                    found[data["panel"]] = data["data"]
                elif kind == "ledger":
                    ledger = data
            if (len(found) == len(panels) and ledger) or time.monotonic() > deadline:
                return found, ledger


def rows_of(sql, name, columns):
    selected = ", ".join(f"toString(toUnixTimestamp64Milli({one})) AS {one}_" if one in TIMES else one for one in columns)
    text = ask(sql, f"SELECT {selected} FROM sluice.{name} FORMAT JSONCompactEachRow")
    rows = [json.loads(line, parse_float=str, parse_int=str) for line in text.splitlines()]
    return [list(map(plain, row)) for row in rows]


def plain(cell):
    """A topk's pairs come named in SQL, and with counts as numbers on the page."""
    if not isinstance(cell, list):
        return cell
    return [list(map(str, pair.values() if isinstance(pair, dict) else pair)) for pair in cell]


SESSION = ["session_id", "key", "user_key", "started_at", "ended_at", "events", "duration_ms"]


def settle_visits(truth, sql):
    """Makes the truth's visits rows of sluice.visits: their first message becomes the id of docs/semantics.md R7.

    A phone with a wrong clock has its visit later by the way that its events had, which the generator cannot know: it is read from the event
    that began the visit, and is the same for all of it. Returns what is wrong with those ways."""
    corrected = dict(line.split("\t") for line in ask(
        sql, "SELECT message_id, toUnixTimestamp64Milli(event_time) FROM sluice.events WHERE has(flags, 'clock_corrected') FORMAT TSV").splitlines())
    visits, wrong = truth["definitions"]["visits"], []
    for row in visits["rows"]:
        way = int(corrected.get(row[0], row[3])) - int(row[3])
        if not 0 <= way < 60_000:
            wrong.append(f"{row[0]}: {way} ms from writing to arrival")
        row[3], row[4] = str(int(row[3]) + way), str(int(row[4]) + way)
        row[0] = hashlib.md5("\x1f".join(["archive", row[1], row[0], row[3]]).encode()).hexdigest()
    visits["columns"] = SESSION
    return wrong


def differences(is_, should):
    """Two lists of rows, in any order."""
    have, want = ({json.dumps(row) for row in rows} for rows in (is_, should))
    wrong = [f"not there:  {row}" for row in sorted(want - have)[:4]] + [f"unexpected: {row}" for row in sorted(have - want)[:4]]
    if len(is_) != len(should):
        wrong.append(f"{len(is_)} rows, expected {len(should)}")
    return wrong


def panel_differences(shown, wanted, visits):
    """What the page's data says against the truth, by kind of panel."""
    wrong = [f"{name} is {shown[name]}, expected {wanted[name]}" for name in ("start", "end") if name in wanted and shown[name] != wanted[name]]
    if wanted["kind"] == "stat":
        if shown["value"] != wanted["value"]:
            wrong.append(f"shows {shown['value']}, expected {wanted['value']}")
    elif wanted["kind"] == "timeseries":
        points = [[point["s"], series["key"], point["v"]] for series in shown["series"] for point in series["points"] if point["v"] is not None]
        should = [[point["start"], point["key"], point["value"]] for point in wanted.get("points", []) if point["value"] is not None]
        wrong += differences(points, should)
    elif wanted["kind"] == "table":
        wrong += differences([list(map(plain, row["cells"])) for row in shown["rows"]], [row["cells"] for row in wanted.get("rows", [])])
    elif wanted["kind"] == "band":
        points = [[point["s"], series["key"], point["v"]] for series in shown["series"] for point in series["points"] if point["v"] is not None]
        wrong += differences(points, [[point["start"], point["key"], point["value"]] for point in wanted["points"]])
    elif wanted["kind"] == "top":
        rows = [[row["key"][0], row["value"]] for row in shown["rows"]]
        should = wanted["rows"][:10]
        wrong += [] if rows == should else [f"shows {rows}, expected {should}"]
    elif wanted["kind"] == "funnel":
        groups = [[group["key"], [[step["name"], step["people"], step["median_ms"]] for step in group["steps"]]] for group in shown["groups"]]
        should = [[group["key"], [[step["name"], step["people"], step["median_ms"]] for step in group["steps"]]] for group in wanted["groups"]]
        wrong += differences(groups, should)
    elif wanted["kind"] == "retention":
        cohorts = [[cohort["s"], [cell["people"] for cell in cohort["cells"]]] for cohort in shown["cohorts"]]
        wrong += differences(cohorts, [[cohort["start"], cohort["cells"]] for cohort in wanted["cohorts"]])
    elif wanted["kind"] == "sessions":
        rows = [[str(row[name]) for name in SESSION] for row in shown["rows"]]
        oldest = min((int(row[3]) for row in rows), default=0)
        wrong += differences(rows, [row for row in visits if int(row[3]) > oldest or row in rows])
        if len(rows) != min(100, len(visits)):
            wrong.append(f"{len(rows)} visits, expected the newest 100")
    else:
        wrong.append(f"no comparison for a panel of kind {wanted['kind']}")
    return wrong


def same_panels(project, truth):
    """The truth is about each panel of the dashboards, and as they ask it."""
    wrong, seen = [], {}
    for board in project["dashboards"]:
        for panel in (one for row in board["rows"] for one in row):
            columns = panel.get("columns") or panel.get("measures") or ([panel["measure"]] if panel.get("measure") else [])
            seen[panel["id"]] = {"kind": panel["kind"], "metric": panel["metric"], "columns": columns, "by": panel.get("by", []),
                                 "over_ms": panel["over_ms"]}
    for name in sorted(set(seen) | set(truth)):
        known = {key: truth[name][key] for key in seen[name]} if name in truth and name in seen else truth.get(name)
        if known != seen.get(name):
            wrong.append(f"{name}: the dashboard asks {seen.get(name)}, the truth is about {known}")
    return wrong


@contextlib.contextmanager
def running(sluice, folder):
    project = folder / "project"
    shutil.copytree(ROOT / "examples/shop", project, ignore=shutil.ignore_patterns("generator", "demo"))
    said = folder / "said"
    program = [sluice, "up", str(project), "--data", str(folder / "data")]
    program += [part for name in ("collect", "web", "sql") for part in ("--listen", f"{name}=127.0.0.1:0")]
    with said.open("w") as output:
        child = subprocess.Popen(program, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield wait_for("the addresses", lambda: addresses(said.read_text(), child))
    except BaseException:
        print(said.read_text()[-4000:])
        raise
    finally:
        child.terminate()
        try:
            child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def compare(test, urls, truth):
    sql, web = urls["sql"], urls["web"]
    counters = truth["counters"]
    test.check("what the generator must have made", [f"{name}: 0" for name, n in counters.items() if n == 0],
               ", ".join(f"{n} {name}" for name, n in counters.items()))
    with urllib.request.urlopen(f"{web}/api/project", timeout=10) as reply:
        project = json.load(reply)
    test.check("the truth is about every panel", same_panels(project, truth["panels"]))
    names = {one["name"] for one in project["metrics"]}
    test.check("and about every definition", sorted(f"{name}: not in both" for name in names ^ set(truth["definitions"])))

    test.check("phones with a wrong clock were on their way for less than a minute", settle_visits(truth, sql))

    # What was revised is computed by jobs: asked again until it is there, or time is up.
    for name, wanted in sorted(truth["definitions"].items()):
        if not wanted["rows"] or name not in names:
            continue
        def wrong(): return differences(rows_of(sql, name, wanted["columns"]), wanted["rows"])
        deadline = time.monotonic() + PATIENCE_S
        while (found := wrong()) and time.monotonic() < deadline:
            time.sleep(0.25)
        test.check(f"sluice.{name} has the true rows", found, f"{len(wanted['rows'])} rows")
    states = {line.split("\t")[0]: int(line.split("\t")[1]) for line in ask(
        sql, "SELECT state, count() FROM sluice.orders_daily GROUP BY state FORMAT TSV").splitlines()}
    test.check("late events revised rows", [] if states.get("revised", 0) > 0 else [f"states: {states}"], f"orders_daily: {states}")

    panels = sorted(panel["id"] for board in project["dashboards"] for row in board["rows"] for panel in row if panel["id"] in truth["panels"])
    deadline = time.monotonic() + PATIENCE_S
    while True:
        shown, ledger = snapshots(web, panels)
        found = {name: panel_differences(shown[name], truth["panels"][name], truth["definitions"]["visits"]["rows"]) if name in shown else ["not shown"] for name in panels}
        if not any(found.values()) or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    for name in panels:
        test.check(f"panel {name}: {truth['panels'][name]['kind']} of {truth['panels'][name]['metric']}", found[name])
    stored, retries = counters["events"], counters["retries"]
    should = {"received": stored + retries, "stored": stored, "duplicate": retries, "quarantined": 0, "pending": 0, "missing": 0, "balances": True}
    test.check("the ledger knows the retries", [f"{key}: {ledger.get(key)}, expected {value}" for key, value in should.items() if ledger.get(key) != value],
               f"{stored + retries} received = {stored} stored + {retries} duplicate")
    corrected = int(ask(sql, "SELECT count() FROM sluice.events WHERE has(flags, 'clock_corrected')"))
    wanted = counters["of phones with a wrong clock"]
    test.check("wrong clocks were corrected, no others", [] if corrected == wanted else [f"{corrected}, expected {wanted}"], f"{corrected} events")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sluice", required=True, type=os.path.abspath)
    parser.add_argument("--events", required=True, type=os.path.abspath)
    arguments = parser.parse_args()
    test = Test()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sluice-shop-") as name:
        folder = pathlib.Path(name)
        with running(arguments.sluice, folder) as urls:
            wait_for("the SQL port", lambda: ask(urls["sql"], "SELECT 1") == "1\n")
            made = subprocess.run([arguments.sluice, "keys", "create", "archive", "--data", str(folder / "data")], check=True, capture_output=True, text=True)
            key = made.stdout.split()[-1]
            generator = subprocess.Popen([arguments.events, *GENERATED, "--truth", str(folder / "truth.json")], stdout=subprocess.PIPE)
            with generator.stdout as lines:
                send(urls["collect"], key, lines)
            if generator.wait() != 0:
                raise SystemExit(f"{arguments.events} ended with {generator.returncode}")
            truth = json.loads((folder / "truth.json").read_text())
            sent = time.monotonic() - began
            wait_for("all events", lambda: ask(urls["sql"], "SELECT count() FROM sluice.events") == f"{truth['counters']['events']}\n")
            compare(test, urls, truth)
    print(f"      {sent:.0f} s until all was sent, {time.monotonic() - began:.0f} s in all")
    print(f"{test.passed} passed, {test.failed} failed")
    sys.exit(test.failed > 0)


if __name__ == "__main__":
    main()
