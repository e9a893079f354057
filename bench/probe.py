"""probe.py - how long an event takes from its acknowledgement to the chart: a page's stream is open, events are sent one by one.

The panel shows how many probes there are per minute. All patches together say how many have arrived; probes are acknowledged one
after another, so they arrive in order, and the n-th is on the chart when the sum is n.
"""
import http.client
import json
import random
import threading
import time
import urllib.parse

from program import Failure


class Chart(threading.Thread):
    """Reads one panel's stream; `arrived[n]` is when the chart first showed n probes more than at the beginning."""

    def __init__(self, web, panel):
        super().__init__(daemon=True)
        self.address = urllib.parse.urlsplit(web).netloc
        self.panel = panel
        self.changed = threading.Condition()
        self.values = {}
        self.base = None
        self.arrived = {}
        self.failure = None

    def run(self):
        try:
            connection = http.client.HTTPConnection(self.address, timeout=60)
            connection.request("GET", f"/api/live?panels={self.panel}", headers={"Accept": "text/event-stream"})
            reply = connection.getresponse()
            if reply.status != 200:
                raise Failure(f"/api/live answered {reply.status}: {reply.read()[:200]}")
            kind = None
            while line := reply.readline():
                if line.startswith(b"event:"):
                    kind = line[6:].strip().decode()
                elif line.startswith(b"data:") and kind in ("snapshot", "patch"):
                    self.take(kind, json.loads(line[5:]), time.monotonic())
            raise Failure("the stream ended")
        except Exception as error:  # the probing thread says it
            with self.changed:
                self.failure = error
                self.changed.notify_all()

    def take(self, kind, message, at):
        if message["panel"] != self.panel or message["data"] is None:
            return
        with self.changed:
            if kind == "snapshot":
                self.values = {}
            for series in message["data"]["series"]:
                for point in series["points"]:
                    self.values[point["s"]] = 0 if point.get("removed") else int(point["v"])
            total = sum(self.values.values())
            if self.base is None:
                self.base = total
            for n in range(len(self.arrived) + 1, total - self.base + 1):
                self.arrived[n] = at
            self.changed.notify_all()

    def wait_for(self, what, seconds, ready):
        with self.changed:
            if not self.changed.wait_for(lambda: self.failure or ready(), seconds):
                raise Failure(f"{what}: not within {seconds} s; {len(self.arrived)} probes arrived")
            if self.failure:
                raise self.failure


def probe(addresses, panel, count, per_second, name, key="demo"):
    """Seconds from acknowledgement to chart, one per probe, in the order sent."""
    chart = Chart(addresses["web"], panel)
    chart.start()
    chart.wait_for("the panel's first snapshot", 60, lambda: chart.base is not None)
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(addresses["collect"]).netloc, timeout=60)
    acknowledged = []
    for n in range(count):
        event = {"event": "probe", "message_id": f"probe-{name}-{n}", "user_id": "prober", "properties": {"marker": f"{name}-{n}"}}
        connection.request("POST", "/v1/events", json.dumps(event), {"Authorization": f"Bearer {key}"})
        reply = connection.getresponse()
        body = reply.read()
        if reply.status != 200:
            raise Failure(f"a probe was answered {reply.status}: {body[:200]}")
        acknowledged.append(time.monotonic())
        time.sleep(random.uniform(0.5, 1.5) / per_second)
    chart.wait_for("the last probe", 60, lambda: len(chart.arrived) >= count)
    return [max(0.0, chart.arrived[n + 1] - acknowledged[n]) for n in range(count)]
