"""bench.py - measures the figures of docs/performance.md and prints them as a table: figure, measured, command.

Each figure is measured --runs times, the table shows the run with the median value. --quick measures everything once, briefly: for
development, its numbers are not for the page. All that was measured lies in BUILD/bench/last.json afterwards.
"""
import argparse
import json
import os
import platform
import shutil
import sys

from figures import DEFINITIONS, MB, Bench
from program import Failure

FIGURES = ["processor", "end_to_end", "definitions", "ack", "chart", "idle", "git", "born", "flat"]
RATE_UNKNOWN = 60_000   # events a second, where end_to_end was not asked for
SECONDS_MIN = 60


def median_run(runs, key):
    """The run whose value is the median (of an even number: the lower one)."""
    ordered = sorted(runs, key=key)
    return ordered[(len(ordered) - 1) // 2]


def spread(runs, key, digits=0):
    values = sorted(key(run) for run in runs)
    return "" if len(values) == 1 else f" (of {values[0]:,.{digits}f} … {values[-1]:,.{digits}f})"


class Table:
    def __init__(self, command):
        self.command = command
        self.rows = []
        self.kept = {}

    def add(self, figure, measured, only):
        self.rows.append((figure, measured, f"`{self.command} --only {only}`"))
        print(f"  {figure}: {measured}", file=sys.stderr, flush=True)

    def text(self):
        lines = ["| figure | measured | command |", "|---|---|---|"]
        return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in self.rows])


def stages(result, least=0.02):
    """Microseconds of CPU per event, by process and thread, the largest first."""
    lines = [f"| {name} | {used:.2f} |" for name, used in sorted(result["stages_us"].items(), key=lambda item: -item[1]) if used >= least]
    total = sum(result["cpu_us"].values())
    lines += [f"| **all of {name}** | **{used:.2f}** |" for name, used in result["cpu_us"].items()]
    return "\n".join(["| thread | CPU µs per event |", "|---|---|", *lines, f"| **program** | **{total:.2f}** |",
                      f"| load generator | {result['load_cpu_us']:.2f} |"])


def measure_end_to_end(bench, table, runs):
    events = 300_000 if bench.quick else 5_000_000
    results = []
    while len(results) < runs:
        result = bench.end_to_end(events)
        if not bench.quick and result["seconds"] < SECONDS_MIN:
            events = int(events * SECONDS_MIN * 1.15 / result["seconds"] / 100) * 100
            results = []
            continue
        results.append(result)
    chosen = median_run(results, lambda run: run["events_per_s"])
    table.kept["end_to_end"] = results
    table.add("end to end, events/s", f"{chosen['events_per_s']:,.0f}{spread(results, lambda run: run['events_per_s'])}; {chosen['events']:,} events of "
              f"{chosen['load']['event_bytes']} bytes in {chosen['seconds']:.1f} s", "end_to_end")
    table.add("accepted meanwhile, events/s", f"{chosen['accepted_per_s']:,.0f}", "end_to_end")
    table.add("CPU per event", f"{sum(chosen['cpu_us'].values()):.2f} µs (main {chosen['cpu_us']['main']:.2f}, store {chosen['cpu_us'].get('store', 0):.2f}); "
              f"generator {chosen['load_cpu_us']:.2f} µs", "end_to_end")
    table.add("memory at its end, all processes", f"{sum(chosen['memory'].values()) / MB:,.0f} MB; {chosen['idle_after']['total_mb']:,.0f} MB after a quiet minute",
              "end_to_end")
    table.add("CPU idle at its end", f"{chosen['idle_after']['total_percent']:.1f} % of a core after a quiet minute", "end_to_end")
    return chosen


def measure_definitions(bench, table, runs):
    events = 300_000 if bench.quick else 5_000_000
    results = [bench.end_to_end(events, DEFINITIONS) for _ in range(runs)]
    chosen = median_run(results, lambda run: run["events_per_s"])
    table.kept["definitions"] = results
    table.add("end to end with sessions, three metrics, a funnel, retention", f"{chosen['events_per_s']:,.0f} events/s"
              f"{spread(results, lambda run: run['events_per_s'])}; {sum(chosen['cpu_us'].values()):.2f} µs of CPU per event", "definitions")


def measure_processor(bench, table, runs):
    """Rates of one thread by CPU time; bytes by definition."""
    cases = [("shop", 200_000, 10_000)] if bench.quick else [("git", 5_000_000, 100_000), ("shop", 5_000_000, 100_000), ("shop", 20_000_000, 10_000_000)]
    for stream, events, keys in cases:
        results = [bench.processor(stream, events, keys) for _ in range(runs if keys < 1_000_000 else 1)]
        chosen = median_run(results, lambda run: run["events_per_s"])
        table.kept[f"processor {stream} {keys}"] = results
        table.add(f"processor alone, {stream}, {keys:,} people", f"{chosen['events_per_s']:,.0f} events/s{spread(results, lambda run: run['events_per_s'])}; "
                  f"{chosen['cpu_us']:.2f} µs, of them decoding {chosen['decode_us']:.2f}; {chosen['peak_mb']:,.0f} MB at its peak", "processor")
        table.add(f"bytes for each key, {stream}, {keys:,} people",
                  ", ".join(f"{d['name']} {d['bytes_per_key']:,} ({d['keys']:,} keys)" for d in chosen["definitions"]), "processor")


def measure_born(bench, table, runs):
    stored, rate = (200_000, 2_000) if bench.quick else (10_000_000, 10_000)
    results = [bench.born(stored, rate) for _ in range(runs)]
    chosen = median_run(results, lambda run: run["seconds"])
    table.kept["born"] = results
    table.add(f"a new metric over {stored:,} stored events at {rate:,} more a second", f"complete in {chosen['seconds']:.1f} s"
              f"{spread(results, lambda run: run['seconds'], 1)}", "born")


def measure_ack(bench, table, runs, rate):
    results = [bench.ack(rate, 4 if bench.quick else 30) for _ in range(runs)]
    chosen = median_run(results, lambda run: run["p99"])
    table.kept["ack"] = results
    table.add(f"acknowledgement at {rate:,.0f} events/s", f"p50 {chosen['p50']:.1f} ms, p99 {chosen['p99']:.1f} ms{spread(results, lambda run: run['p99'], 1)}, "
              f"p99.9 {chosen['p999']:.1f} ms", "ack")


def measure_chart(bench, table, runs, rate):
    for name, load in (("light load", 1_000), ("half load", rate)):
        results = [bench.chart(load, 20 if bench.quick else 200) for _ in range(runs)]
        chosen = median_run(results, lambda run: run["p99"])
        table.kept[f"chart at {name}"] = results
        table.add(f"accept to chart, {name} ({load:,.0f} events/s)", f"p50 {chosen['p50']:.0f} ms, p99 {chosen['p99']:.0f} ms"
                  f"{spread(results, lambda run: run['p99'])}, {chosen['probes']} probes", "chart")


def measure_idle(bench, table, runs):
    results = [bench.idle() for _ in range(runs)]
    chosen = median_run(results, lambda run: run["total_mb"])
    table.kept["idle"] = results
    table.add("idle after the git file: memory", f"{chosen['total_mb']:,.0f} MB (" + ", ".join(f"{name} {size / MB:,.0f}" for name, size in chosen["memory"].items()) + ")",
              "idle")
    table.add("idle after the git file: CPU", f"{chosen['total_percent']:.1f} % of a core (" +
              ", ".join(f"{name} {percent:.1f}" for name, percent in chosen["percent"].items()) + ")", "idle")


def measure_git(bench, table, runs):
    results = [bench.git() for _ in range(runs)]
    chosen = median_run(results, lambda run: run["seconds"])
    table.kept["git"] = results
    table.add("git file, first byte to every number right", f"{chosen['seconds']:.1f} s{spread(results, lambda run: run['seconds'], 1)}; sent in {chosen['sent']:.1f} s, "
              f"{chosen['rows']:,} rows compared", "git")


def measure_flat(bench, table, runs):
    few, many, step = (100_000, 300_000, 50_000) if bench.quick else (1_000_000, 50_000_000, 500_000)
    results = [bench.flat(few, many, step) for _ in range(runs)]
    chosen = median_run(results, lambda run: run["at_many"] / run["at_few"])
    table.kept["flat"] = results
    table.add(f"{step:,} events on top of {few:,} and of {many:,}", f"{chosen['at_few']:,.0f} and {chosen['at_many']:,.0f} events/s; CPU {chosen['cpu_few']:.2f} and "
              f"{chosen['cpu_many']:.2f} µs per event", "flat")


def machine(bench):
    model = "processor unknown"
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo") as file:
        memory = int(file.readline().split()[1]) / 1024 / 1024
    median, worst = bench.sync_ms()
    return (f"{os.cpu_count()} × {model}, {memory:.0f} GiB, Linux {platform.release()}; 64 KiB and fdatasync: {median:.2f} ms, 99 of 100 within "
            f"{worst:.2f} ms; load average before: {os.getloadavg()[0]:.2f}")


def main():
    parser = argparse.ArgumentParser(prog="bench/run.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="build folder")
    parser.add_argument("--data", help="folder for data; default BUILD/bench/data")
    parser.add_argument("--quick", action="store_true", help="everything once, briefly")
    parser.add_argument("--only", default=",".join(FIGURES), help="some of " + ",".join(FIGURES))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rate", type=float, help="events/s of `half load`; default half of what end_to_end measures")
    options = parser.parse_args()
    only = options.only.split(",")
    if unknown := set(only) - set(FIGURES):
        parser.error(f"no figure {', '.join(unknown)}; there are {', '.join(FIGURES)}")
    build = os.path.abspath(options.build)
    data = os.path.abspath(options.data or f"{build}/bench/data")
    runs = 1 if options.quick else max(1, options.runs)
    bench = Bench(build, data, options.quick)
    table = Table("bench/run.sh" + (" --quick" if options.quick else ""))
    where = machine(bench)
    print(where, file=sys.stderr, flush=True)
    if "processor" in only:
        measure_processor(bench, table, runs)
    chosen = measure_end_to_end(bench, table, runs) if "end_to_end" in only else None
    rate = options.rate or round((chosen["events_per_s"] if chosen else RATE_UNKNOWN) / 2, -2)
    if "definitions" in only:
        measure_definitions(bench, table, runs)
    if "ack" in only:
        measure_ack(bench, table, runs, rate)
    if "chart" in only:
        measure_chart(bench, table, runs, rate)
    if "git" in only:
        measure_git(bench, table, runs)
    if "idle" in only:
        measure_idle(bench, table, runs)
    if "born" in only:
        measure_born(bench, table, runs)
    if "flat" in only:
        measure_flat(bench, table, runs)
    print(f"\n{where}; median of {runs}\n\n{table.text()}")
    if chosen:
        print(f"\nWhere the time goes, end to end:\n\n{stages(chosen)}")
    with open(f"{build}/bench/last.json", "w") as file:
        json.dump({"machine": where, "runs": table.kept}, file, indent=1)
    shutil.rmtree(data, ignore_errors=True)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"bench: {failure}")
