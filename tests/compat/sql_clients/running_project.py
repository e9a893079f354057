"""A project that runs for a test: `sluice up` in a temporary folder, with 1000 known events sent in over HTTP.

Event i (0..999): event = EVENTS[i % 3], user u_{i % 50}, at 2026-03-01T00:00Z + i minutes, properties amount = i + 0.25 and country =
COUNTRIES[i % 4]. What the tests expect is computed from these lines, not from the program.
With SLUICE_SQL_URL set, the program there is used instead and must hold these events.
"""
import contextlib
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

EVENTS = ["page_viewed", "order_paid", "signed_up"]
COUNTRIES = ["de", "fr", "it", "es"]
COUNT = 1000
PATIENCE_S = 60

PROJECT = """version: 1
name: compat
listeners: {collect: 127.0.0.1:0, web: 127.0.0.1:0, sql: 127.0.0.1:0}
sources:
  - {name: site, disorder: 10s, idle: 60s, dedup: 24h}
"""


def event(i):
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1772323200 + 60 * i))
    return {
        "event": EVENTS[i % 3], "message_id": f"m_{i}", "timestamp": at, "user_id": f"u_{i % 50}",
        "properties": {"amount": i + 0.25, "country": COUNTRIES[i % 4]},
    }


def ask(url, sql):
    with urllib.request.urlopen(url + "/?query=" + urllib.parse.quote(sql), timeout=10) as reply:
        return reply.read().decode()


def wait_for(what, condition):
    deadline = time.monotonic() + PATIENCE_S
    last = None
    while time.monotonic() < deadline:
        try:
            last = condition()
            if last:
                return last
        except OSError as error:
            last = error
        time.sleep(0.05)
    raise SystemExit(f"{what} did not come within {PATIENCE_S} s; last: {last}")


@contextlib.contextmanager
def running_project(more=None):
    """`more`: further files of the project, path -> text."""
    given = os.environ.get("SLUICE_SQL_URL")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="sluice-compat-") as folder:
        project = pathlib.Path(folder, "project")
        (project / "metrics").mkdir(parents=True)
        (project / "dashboards").mkdir()
        (project / "sluice.yaml").write_text(PROJECT)
        for path, text in (more or {}).items():
            (project / path).write_text(text)
        said = pathlib.Path(folder, "said")
        program = [os.environ["SLUICE"], "up", str(project), "--data", f"{folder}/data", "--demo"]
        with said.open("w") as output:
            child = subprocess.Popen(program, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        try:
            urls = wait_for("the addresses", lambda: addresses(said.read_text(), child))
            wait_for("the SQL port", lambda: ask(urls["sql"], "SELECT 1") == "1\n")
            body = "\n".join(json.dumps(event(i)) for i in range(COUNT)).encode()
            request = urllib.request.Request(urls["collect"] + "/v1/events", body, {"Authorization": "Bearer demo"})
            with urllib.request.urlopen(request, timeout=30) as reply:
                assert json.load(reply)["accepted"] == COUNT
            wait_for("all events", lambda: ask(urls["sql"], "SELECT count() FROM sluice.events") == f"{COUNT}\n")
            yield urls["sql"]
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


def addresses(text, child):
    """The URLs that `up` prints, by listener; None until all are there."""
    if child.poll() is not None:
        raise SystemExit(f"sluice up ended with code {child.returncode}:\n{text}")
    found = dict(re.findall(r"^(collect|web|sql)\s+(http://\S+)$", text, re.M))
    return found if len(found) == 3 else None
