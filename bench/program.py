"""program.py - the program under test: starts `sluice up`, asks it, and reads from /proc what it costs.

Cost   CPU by thread name: the program names its threads, the engine names its own. What threads used that have ended since is the
       process's total less theirs. Memory: the sum of proportional set sizes of all processes, so that shared pages count once.
Ports  The system chooses them: a bench runs beside whatever else does.
"""
import collections
import json
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request

TICK = os.sysconf("SC_CLK_TCK")


class Failure(Exception):
    pass


def wait_until(what, seconds, ready, every=0.05):
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(every)


def http(url, body=None, timeout=60):
    request = urllib.request.Request(url, data=body)
    with urllib.request.urlopen(request, timeout=timeout) as reply:
        return reply.read().decode()


def process_cpu(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def thread_cpu(pid):
    """{thread name: CPU seconds} of the threads that live."""
    used = collections.Counter()
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/comm") as file:
                name = file.read().strip()
            with open(f"/proc/{pid}/task/{task}/schedstat") as file:
                used[name] += int(file.read().split()[0]) / 1e9
        except (FileNotFoundError, ProcessLookupError):
            continue
    return used


def pss_bytes(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return int(re.search(r"^Pss:\s+(\d+) kB", file.read(), re.M).group(1)) * 1024


class Program:
    def __init__(self, build, project, data):
        self.build, self.project, self.data = build, project, data
        self.process = None
        self.addresses = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        os.makedirs(os.path.dirname(self.data), exist_ok=True)
        listen = [word for name in ("collect", "web", "sql") for word in ("--listen", f"{name}=127.0.0.1:0")]
        self.diagnostics = open(f"{self.data}.stderr", "a")
        self.process = subprocess.Popen([f"{self.build}/sluice", "up", self.project, "--data", self.data, "--demo", *listen],
                                        stdout=subprocess.PIPE, stderr=self.diagnostics, text=True)
        while len(self.addresses) < 3:
            line = self.process.stdout.readline()
            if not line:
                raise Failure(f"sluice up ended at once; see {self.data}.stderr")
            name, _, url = line.partition(" ")
            if url.strip().startswith("http://"):
                self.addresses[name] = url.strip()
        wait_until("ready", 60, self.ready)
        return self

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.diagnostics.close()
        self.process = None
        self.addresses = {}

    def ready(self):
        if self.process.poll() is not None:
            raise Failure(f"sluice up ended with {self.process.returncode}; see {self.data}.stderr")
        try:
            return json.loads(http(self.addresses["web"] + "/health", timeout=5))["status"] == "ready"
        except (urllib.error.URLError, OSError):
            return False

    def sql(self, statement):
        return http(self.addresses["sql"], statement.encode()).strip()

    def shown_project(self):
        return json.loads(http(self.addresses["web"] + "/api/project"))

    def stored(self):
        return int(self.sql("SELECT count() FROM sluice.events"))

    def metrics(self):
        """{name with labels as printed: value}"""
        lines = http(self.addresses["web"] + "/metrics").splitlines()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if line and not line.startswith("#")}

    def pids(self):
        """{"main": pid, "store": pid}: the program and its children, for which the kernel is asked for every process's parent."""
        pids = {"main": self.process.pid}
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/stat") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            if parent == self.process.pid:
                pids["store" if len(pids) == 1 else f"child {len(pids)}"] = int(entry)
        return pids

    def cost(self):
        """{(process, thread name): CPU seconds so far}; the name None holds the process's total."""
        used = {}
        for name, pid in self.pids().items():
            used[name, None] = process_cpu(pid)
            for thread, seconds in thread_cpu(pid).items():
                used[name, thread] = seconds
        return used

    def memory(self):
        """{process: bytes}"""
        return {name: pss_bytes(pid) for name, pid in self.pids().items()}


def spent(before, after):
    """CPU seconds between two costs: {process: total}, and {(process, thread): seconds}, ended threads under 'ended threads'."""
    totals = {key[0]: after[key] - before.get(key, 0) for key in after if key[1] is None}
    threads = collections.Counter()
    for key, seconds in after.items():
        if key[1] is not None:
            threads[key] += max(0, seconds - before.get(key, 0))
    for process, total in totals.items():
        rest = total - sum(seconds for key, seconds in threads.items() if key[0] == process)
        if rest > 0.05 * total:
            threads[process, "ended threads"] = rest
    return totals, threads
