"""harness.py - runs the real program for a test, ends it in every way, and reads back what it holds.

Program  `sluice up` on a DATA of its own; start, stop and kill as often as wanted. Ports are chosen by the system at each start.
Files    Everything lies in one temporary folder, removed unless the test failed; then its path is printed.
Waiting  Always for a condition with a deadline, never for time alone to be right.
The program is $SLUICE, else build/sluice. Only processes that were started here are ended, each by its id.
"""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import urllib.parse

import people

ROOT = pathlib.Path(__file__).resolve().parents[2]
SLUICE = os.environ.get("SLUICE", str(ROOT / "build" / "sluice"))
PATIENCE_S = 60
KEY = {"Authorization": "Bearer demo"}

PROJECT = {
    "sluice.yaml": """version: 1
name: crash
listeners: {collect: 127.0.0.1:0, web: 127.0.0.1:0, sql: 127.0.0.1:0}
sources:
  - {name: site, disorder: 10s, idle: 60s, dedup: 24h}
""",
    "metrics/sold.yaml": """version: 1
metrics:
  - name: sold
    question: What was sold, minute by minute?
    where: event = 'sold'
    window: {tumble: 1m}
    allowed_lateness: 10s
    dimensions:
      shop: properties.shop
    measures:
      sales: count()
      amount: sum(properties.amount)
      buyers: distinct(user_key)
""",
    **people.PROJECT,
}


class Failed(Exception):
    """What a test found wrong, in a sentence."""


def check(condition, *what):
    if not condition:
        raise Failed(" ".join(str(part) for part in what))


def wait_for(what, condition, patience=PATIENCE_S, every=0.02):
    """Calls condition until it returns something true, and returns that. Errors of a program that is just away do not end it."""
    deadline = time.monotonic() + patience
    last = None
    while True:
        try:
            last = condition()
            if last:
                return last
        except (OSError, http.client.HTTPException, Unavailable) as error:
            last = error
        if time.monotonic() >= deadline:
            raise Failed(f"{what}: did not come within {patience} s; last: {last!r}")
        time.sleep(every)


class Unavailable(Exception):
    """The program answered that it cannot answer now."""


class Skipped(Exception):
    """This machine does not allow what the test needs."""


def ask(url, method, path, body=None, headers=None, timeout=10):
    """One request on a connection of its own: (status, headers, body)."""
    where = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read()
    finally:
        connection.close()


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Process:
    """A process by id and start time, so that a reused id is never taken for it."""

    def __init__(self, pid):
        self.pid = pid
        self.started = self._stat(19)

    def _stat(self, field):
        try:
            text = pathlib.Path(f"/proc/{self.pid}/stat").read_text()
        except OSError:
            return None
        return text.rsplit(")", 1)[1].split()[field]

    def alive(self):
        return self.started is not None and self._stat(19) == self.started and self._stat(0) != "Z"

    def signal(self, number):
        """False if it was gone already."""
        if not self.alive():
            return False
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True

    def memory(self):
        """(resident, largest resident since the last forget_peak), in MiB."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return tuple(int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M)[1]) / 1024 for name in ("VmRSS", "VmHWM"))

    def forget_peak(self):
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5")


class Program:
    def __init__(self, folder=None, data=None):
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="sluice-crash-"))
        self.data = pathlib.Path(data or self.folder / "data")
        self.project = self.folder / "project"
        for name, text in PROJECT.items():
            path = self.project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (self.project / "dashboards").mkdir(exist_ok=True)
        self.popen = None
        self.process = None
        self.urls = {}
        self.runs = 0
        self.tables_may_be_missing = False  # an older store is put back under the running program; a start must not show it

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.end()
        if kind is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            print(f"    kept for a look: {self.folder}\n{self.said()[-3000:]}")

    # Starting

    def start(self, patience=PATIENCE_S):
        """Starts `up` and returns once it accepts events and answers SQL; the seconds that took."""
        began = time.monotonic()
        self.spawn()
        self.wait_ready(patience)
        return time.monotonic() - began

    def spawn(self):
        check(self.process is None or not self.process.alive(), "the program runs already")
        self.spawn_beside()

    def spawn_beside(self):
        """Also while an earlier one runs: that one is then the caller's to end."""
        self.runs += 1
        self.urls = {}
        with self.out_path().open("w") as out, self.err_path().open("w") as err:
            self.popen = subprocess.Popen([SLUICE, "up", str(self.project), "--data", str(self.data), "--demo"],
                                          stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        self.process = Process(self.popen.pid)

    def out_path(self):
        return self.folder / f"up{self.runs}.out"

    def err_path(self):
        return self.folder / f"up{self.runs}.err"

    def said(self):
        """What the newest run wrote on standard error."""
        return self.err_path().read_text(errors="replace") if self.runs else ""

    def wait_listening(self, patience=PATIENCE_S):
        def addresses():
            check(self.popen.poll() is None, f"`sluice up` ended with code {self.popen.returncode}:", self.said()[-2000:])
            found = dict(re.findall(r"^(collect|web|sql)\s+(http://\S+)$", self.out_path().read_text(), re.M))
            return found if len(found) == 3 else None

        self.urls = wait_for("the addresses", addresses, patience)

    def wait_ready(self, patience=PATIENCE_S):
        self.wait_listening(patience)
        # At the very first start the store answers a moment before its tables are made, this view last.
        wait_for("SQL", lambda: self.sql("SELECT count() >= 0 FROM sluice.sold") == "1\n", patience)

    # Ending

    def kill(self):
        """kill -9, reaped."""
        self.process.signal(signal.SIGKILL)
        self.popen.wait()

    def stop(self, patience=20):
        """SIGTERM; (exit code, seconds)."""
        began = time.monotonic()
        self.popen.send_signal(signal.SIGTERM)
        try:
            code = self.popen.wait(timeout=patience)
        except subprocess.TimeoutExpired as late:
            raise Failed(f"SIGTERM: still there after {patience} s") from late
        return code, time.monotonic() - began

    def end(self):
        if self.popen and self.popen.poll() is None:
            child = self.child()
            if child:
                child.signal(signal.SIGCONT)
            self.popen.terminate()
            try:
                self.popen.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()

    def child(self):
        """The store's process, or None while there is none."""
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            try:
                for pid in task.read_text().split():
                    return Process(int(pid))
            except OSError:
                continue
        return None

    def wait_child(self):
        return wait_for("the store's process", self.child)

    # Reading

    def sql(self, query, timeout=30):
        status, _, body = ask(self.urls["sql"], "POST", "/", query.encode(), timeout=timeout)
        text = body.decode()
        if status == 503 or (self.tables_may_be_missing and "UNKNOWN_TABLE" in text):
            raise Unavailable(text)
        check(status == 200, f"SQL port: {status}: {text[:500]} for {query}")
        return text

    def health(self):
        _, _, body = ask(self.urls["web"], "GET", "/health")
        return json.loads(body)

    def stage(self, name):
        return next(stage for stage in self.health()["stages"] if stage["name"] == name)

    def run(self, *arguments, timeout=60):
        """A command beside (or without) the program: (exit code, standard output, standard error, seconds)."""
        began = time.monotonic()
        done = subprocess.run([SLUICE, *arguments, "--data", str(self.data)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout)
        return done.returncode, done.stdout, done.stderr, time.monotonic() - began

    def query(self, sql):
        code, out, err, _ = self.run("query", sql)
        check(code == 0, f"`sluice query` ended with {code}: {err[:500]}")
        return out

    def ledger(self):
        """(exit code, the report)."""
        code, out, err, _ = self.run("ledger", "--json")
        try:
            return code, json.loads(out)
        except ValueError:
            raise Unavailable(f"`sluice ledger` ended with {code}: {err[:500]} {out[:500]}") from None

    def trace(self, message_id):
        """(exit code, the answer, seconds)."""
        code, out, err, took = self.run("trace", message_id, "--json")
        check(out.startswith("{"), f"`sluice trace` ended with {code}: {err[:500]} {out[:500]}")
        return code, json.loads(out), took

    def post(self, body, headers=KEY, timeout=30):
        """Events (a list, or bytes as they are) to the native path: (status, headers, body)."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return ask(self.urls["collect"], "POST", "/v1/events", data, headers, timeout)

    def send(self, events):
        """Sends events in one request and returns the reply's JSON; anything but an acknowledgement fails."""
        status, _, body = self.post(events)
        check(status in (200, 400), f"POST /v1/events: {status}: {body[:500]}")
        return json.loads(body)

    def store_write(self, sql, timeout=60):
        """A statement straight to the store, past the program, with a writer's right."""
        connection = UnixConnection(str(self.data / "store.sock"), timeout)
        try:
            connection.request("POST", "/", sql.encode(), {"X-Sluice-Role": "writer", "Host": "localhost"})
            reply = connection.getresponse()
            body = reply.read().decode()
            check(reply.status == 200, f"store: {reply.status}: {body[:500]} for {sql}")
            return body
        finally:
            connection.close()

    def wait_stored(self, patience=PATIENCE_S):
        """Until nothing that was acknowledged waits in the log any more. (/health looks only four times a second.)"""
        wait_for("what waits to be stored", lambda: self.ledger()[1]["totals"]["pending"] == 0, patience)

    def epochs(self):
        """(newest epoch that was cut, newest that was committed), from the journals; works also on a killed program."""
        cut = [fields[0] for kind, fields in journal(self.data / "process" / "cuts") if kind == 2]
        marked = [fields[0] for kind, fields in journal(self.data / "process" / "marks") if kind == 6]
        return max(cut, default=0), max(marked, default=0)


def journal(folder):
    """Entries of an epoch journal: (kind, (epoch or job,)). A torn last one is left out."""
    for path in sorted(folder.glob("*.journal")):
        data = path.read_bytes()
        check(data[:4] == b"SLCJ", f"{path} is no journal")
        at = 8 + 1 + data[8] + 4  # magic, version, the data id as text of fewer than 128 bytes, checksum
        while at + 8 <= len(data):
            size = struct.unpack_from("<I", data, at)[0]
            body = data[at + 8:at + 8 + size]
            if len(body) < max(size, 9):
                break
            yield body[0], struct.unpack_from("<Q", body, 1)
            at += 8 + size
