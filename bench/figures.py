"""figures.py - the figures of ./run bench, one function each. A run returns numbers; bench.py repeats, takes medians and prints."""
import json
import os
import shutil
import statistics
import subprocess
import time

import git_numbers
from probe import probe
from program import Failure, Program, spent, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
PROJECT = f"{HERE}/project"
DEFINITIONS = f"{HERE}/definitions"   # sessions, metrics, a funnel, retention
BORN = """version: 1
metrics:
  - name: born
    window: {tumble: 1h}
    dimensions: {event: event}
    measures: {events: count(), people: distinct(user_key), lines: sum(properties.insertions)}
"""
GIT_PROJECT = f"{ROOT}/examples/git"
GIT_FILE = f"{GIT_PROJECT}/data/commits.ndjson.gz"
PROBE_PANEL = "bench.3.0"
MB = 1_000_000


class Bench:
    def __init__(self, build, data, quick):
        self.build, self.data, self.quick = build, data, quick
        self.names = 0

    def fresh(self, project=PROJECT):
        """A program with an empty data directory."""
        data = f"{self.data}/run"
        shutil.rmtree(data, ignore_errors=True)
        return Program(self.build, project, data)

    def name(self):
        """Eight characters that no other load of this bench uses."""
        self.names += 1
        return f"{os.getpid() % 65536:04x}{self.names:04x}"

    def load(self, program, **options):
        """sluice_load in a process of its own; finish() waits for it and reads what it says."""
        words = [f"{self.build}/bench/sluice_load", "--to", program.addresses["collect"].removeprefix("http://"), "--name", self.name()]
        for name, value in options.items():
            words += [f"--{name}", str(value)]
        return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)

    @staticmethod
    def finish(load):
        out, _ = load.communicate()
        if load.returncode != 0:
            raise Failure(f"the load generator failed: {out}")
        return json.loads(out)

    def fill(self, program, events, connections=16):
        """Loads `events` and waits until the SQL port counts them. What it took, from the first byte on."""
        before = program.stored()
        cost = program.cost()
        said = self.finish(self.load(program, events=events, connections=connections))
        wait_until(f"{events} more events stored", 600, lambda: program.stored() >= before + said["acked"], every=0.1)
        seconds = time.time() - said["first_byte_ms"] / 1000
        stored = program.stored() - before
        if stored != said["acked"]:
            raise Failure(f"{said['acked']} events were acknowledged, {stored} are stored")
        totals, threads = spent(cost, program.cost())
        return {"events": stored, "seconds": seconds, "events_per_s": stored / seconds, "load": said,
                "accepted_per_s": said["events_per_s"],
                "cpu_us": {name: used * 1e6 / stored for name, used in totals.items()},
                "stages_us": {f"{process}: {thread}": used * 1e6 / stored for (process, thread), used in threads.items()},
                "load_cpu_us": said["cpu_us_per_event"]}

    def end_to_end(self, events, project=PROJECT):
        with self.fresh(project).start() as program:
            result = self.fill(program, events)
            result["memory"] = program.memory()
            ledger = program.metrics()
            result["missing"] = ledger["sluice_ledger_missing"]
            time.sleep(2 if self.quick else 60)
            result["idle_after"] = self.watch_idle(program, 2 if self.quick else 30)
            return result

    def ack(self, rate, seconds):
        with self.fresh().start() as program:
            said = self.finish(self.load(program, rate=rate, seconds=seconds, connections=64))
            return {"rate": rate, **said["ack_ms"], "refused": said["refused"]}

    def chart(self, rate, count):
        """Probes beside a load of `rate` events a second."""
        with self.fresh().start() as program:
            per_second = 10 if self.quick else 5
            load = self.load(program, rate=rate, seconds=count / per_second + 4, connections=64)
            time.sleep(2)
            waits = sorted(probe(program.addresses, PROBE_PANEL, count, per_second, self.name()))
            self.finish(load)
            at = [waits[min(len(waits) - 1, int(p * len(waits)))] * 1000 for p in (0.5, 0.9, 0.99)]
            return {"rate": rate, "probes": count, "p50": at[0], "p90": at[1], "p99": at[2], "max": waits[-1] * 1000}

    def git(self):
        rows, events = git_numbers.expected(GIT_FILE)
        plain = f"{self.data}/commits.ndjson"
        os.makedirs(self.data, exist_ok=True)
        with open(plain, "wb") as file:
            subprocess.run(["gzip", "-dc", GIT_FILE], stdout=file, check=True)
        with self.fresh(GIT_PROJECT).start() as program:
            began = time.monotonic()
            subprocess.run([f"{self.build}/sluice", "send", plain, "--data", program.data, "--source", "history"], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            sent = time.monotonic() - began

            def right():
                return program.metrics()["sluice_windows_dirty"] == 0 and program.stored() == events and git_numbers.shown(program) == rows
            wait_until("every number of the git file right", 120, right)
            return {"seconds": time.monotonic() - began, "sent": sent, "rows": len(rows), "jobs": program.metrics()["sluice_jobs_total"]}

    @staticmethod
    def watch_idle(program, seconds):
        before = program.cost()
        time.sleep(seconds)
        totals, threads = spent(before, program.cost())
        memory = program.memory()
        return {"memory": memory, "total_mb": sum(memory.values()) / MB, "percent": {name: used / seconds * 100 for name, used in totals.items()},
                "total_percent": sum(totals.values()) / seconds * 100,
                "threads_percent": {f"{process}: {thread}": used / seconds * 100 for (process, thread), used in threads.items()}}

    def idle(self):
        """After the git file: restarted, quiet for a minute."""
        self.git()
        with Program(self.build, GIT_PROJECT, f"{self.data}/run").start() as program:
            time.sleep(3 if self.quick else 60)
            return self.watch_idle(program, 3 if self.quick else 30)

    def flat(self, few, many, step):
        """The same load on top of few and of many stored events."""
        with self.fresh().start() as program:
            self.fill(program, few)
            at_few = self.fill(program, step)
            self.fill(program, many - few - step)
            at_many = self.fill(program, step)
            return {"few": few, "many": many, "at_few": at_few["events_per_s"], "at_many": at_many["events_per_s"],
                    "cpu_few": sum(at_few["cpu_us"].values()), "cpu_many": sum(at_many["cpu_us"].values())}

    def processor(self, stream, events, keys):
        """The fold alone, on one thread of a process of its own."""
        command = [f"{self.build}/bench/sluice_processor", "--project", f"{HERE}/processor/{stream}", "--stream", stream, "--events", str(events),
                   "--keys", str(keys)]
        if stream == "git":
            plain = f"{self.data}/commits.ndjson"
            os.makedirs(self.data, exist_ok=True)
            with open(plain, "wb") as file:
                subprocess.run(["gzip", "-dc", GIT_FILE], stdout=file, check=True)
            command += ["--input", plain]
        ended = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if ended.returncode != 0:
            raise Failure(f"the processor alone failed: {' '.join(command)}")
        return json.loads(ended.stdout)

    def born(self, stored, rate):
        """A metric that is new over `stored` events while others go on coming: from the saved file to the last window of its first computation."""
        project = f"{self.data}/born"
        shutil.rmtree(project, ignore_errors=True)
        shutil.copytree(PROJECT, project)
        with self.fresh(project).start() as program:
            self.fill(program, stored)
            load = self.load(program, rate=rate, seconds=60 if not self.quick else 20, connections=16)
            time.sleep(2)
            with open(f"{project}/metrics/born.yaml", "w") as file:
                file.write(BORN)
            began = time.monotonic()

            def complete():
                metrics = [m for m in program.shown_project()["metrics"] if m["name"] == "born"]
                return bool(metrics) and metrics[0]["progress"] is None and program.sql("SELECT count() > 0 FROM sluice.born") == "1"
            wait_until("the new metric shown complete", 120, complete, every=0.1)
            took = time.monotonic() - began
            said = self.finish(load)
            wait_until("what was sent is stored", 60, lambda: program.stored() >= stored + said["acked"], every=0.2)
            return {"seconds": took, "stored": stored, "rate": rate, "refused": said["refused"]}

    def sync_ms(self):
        """Median and 99th of 300 appends of 64 KiB with fdatasync, where the data lies: what each group commit pays at least."""
        os.makedirs(self.data, exist_ok=True)
        took = []
        with open(f"{self.data}/sync", "wb") as file:
            for _ in range(300):
                file.write(b"x" * 65536)
                file.flush()
                began = time.perf_counter()
                os.fdatasync(file.fileno())
                took.append((time.perf_counter() - began) * 1000)
        os.remove(f"{self.data}/sync")
        return statistics.median(took), sorted(took)[-3]
