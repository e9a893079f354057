"""commands.py --sluice PROGRAM (--with-store | --without-store) - `fmt` and `explain` as a person calls them.

Without a store: what fmt writes, names and refuses. With one: a program runs over 1000 known events, and the SQL that
`explain --sql clickhouse` prints gives the rows of the views, states included. Ends with 'N passed, M failed'.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/compat/sql_clients"))
from running_project import PROJECT, ask, running_project, wait_for  # noqa: E402

METRICS = """version: 1
metrics:
  - name: paid_hourly
    where: event = 'order_paid'
    window: {tumble: 1h}
    dimensions: {country: properties.country}
    measures:
      orders: count()
      people: {value: distinct(user_key), where: properties.amount > 100}
      revenue: sum(properties.amount)
      middle: "percentile(properties.amount, 0.5)"
      each: revenue / orders
  - name: hop
    window: {hop: 2h, slide: 30m}
    allowed_lateness: 1d
    measures: {events: count(), mean: avg(properties.amount)}
funnels:
  - name: viewer_to_payer
    by: user_key
    within: 3h
    window: {tumble: 4h}
    steps:
      - {name: viewed, where: event = 'page_viewed'}
      - {name: paid, where: event = 'order_paid'}
"""
CALENDAR = "version: 1\nmetrics:\n  - name: c\n    window: {zone: Europe/Berlin, calendar: week}\n    measures: {n: count()}\n"
UGLY = "metrics:   # all\n- measures: {n: count( )}\n  # days\n  window:   {tumble: 1d}\n  name: m\nversion: 1\n"
NEAT = "version: 1\nmetrics:  # all\n  - name: m\n    # days\n    window: {tumble: 1d}\n    measures: {n: count( )}\n"


class Test:
    def __init__(self, sluice):
        self.sluice = sluice
        self.passed = self.failed = 0

    def expect(self, name, got, wanted):
        if got == wanted:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAIL  {name}\n  got    {got!r}\n  wanted {wanted!r}")

    def run(self, *arguments, cwd=None):
        done = subprocess.run([self.sluice, *arguments], capture_output=True, text=True, cwd=cwd, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout, done.stderr

    def fmt(self, folder):
        project = folder / "p"
        self.run("init", str(project))
        self.expect("what init writes is in its form", self.run("fmt", "--check", str(project)), (0, f"{project}: 3 files, all in their form.\n", ""))
        ugly = project / "metrics/ugly.yaml"
        ugly.write_text(UGLY)
        self.expect("--check names the file", self.run("fmt", str(project), "--check"), (1, f"would change {ugly}\n", ""))
        self.expect("--check writes nothing", ugly.read_text(), UGLY)
        before = self.run("check", str(project), "--json")
        self.expect("fmt writes it, DIR is the current folder by default", self.run("fmt", cwd=project), (0, "wrote ./metrics/ugly.yaml\n", ""))
        self.expect("as it should be", ugly.read_text(), NEAT)
        self.expect("the plan is the same", self.run("check", str(project), "--json"), before)
        self.expect("twice is once", self.run("fmt", str(project))[0:2], (0, f"{project}: 4 files, all in their form.\n"))
        ugly.write_text(CALENDAR)
        self.expect("zones that are read with the project are nobody's to write", self.run("fmt", str(project)), (0, f"wrote {ugly}\n", ""))
        self.expect("keys in order", "window: {calendar: week, zone: Europe/Berlin}" in ugly.read_text(), True)
        kept = UGLY.replace("window:", "question: |+\n    Why?\n\n  window:")
        ugly.write_text(kept)
        code, said, wrong = self.run("fmt", str(project))
        self.expect("what it cannot keep is named", (code, said, "metrics/ugly.yaml: line 4: | and > with a number or +" in wrong), (1, "", True))
        self.expect("and left alone", ugly.read_text(), kept)
        ugly.write_text(UGLY.replace("window", "windows"))
        code, said, wrong = self.run("fmt", str(project))
        self.expect("a wrong project is told as check tells it", (code, "unknown key `windows`" in said, "nothing was written" in wrong), (1, True, True))
        for example in sorted((ROOT / "examples").iterdir()):
            if not (example / "sluice.yaml").exists():
                continue
            copy = folder / example.name
            shutil.copytree(example, copy, ignore=shutil.ignore_patterns("data", "demo", "generator", "replay"))
            before = self.run("check", str(copy), "--json")
            self.expect(f"fmt {example.name}", self.run("fmt", str(copy))[0], 0)
            self.expect(f"the plan of {example.name} is the same", self.run("check", str(copy), "--json"), before)
            self.expect(f"fmt {example.name} again", self.run("fmt", "--check", str(copy))[0], 0)

    def explain_without_store(self, folder):
        project = folder / "e"
        self.run("init", str(project))
        code, said, _ = self.run("explain", "views_hourly", str(project))
        self.expect("explain tells a metric", (code, said.split("\n")[0]), (0, "views_hourly: a metric, in SQL the view sluice.views_hourly"))
        self.expect("in the current folder", self.run("explain", "views_hourly", cwd=project), (0, said, ""))
        self.expect("an unknown name", self.run("explain", "view_hourly", str(project)),
                    (1, "", "sluice: the project has no definition `view_hourly`; did you mean `views_hourly`?\n"))
        self.expect("an unknown engine", self.run("explain", "views_hourly", str(project), "--sql", "spark")[0:2], (1, ""))

    def explain_with_store(self, folder):
        os.environ["SLUICE"] = self.sluice
        # Nothing falls idle meanwhile, so the watermark stays behind the last event and the last windows go on filling.
        with running_project({"sluice.yaml": PROJECT.replace("idle: 60s", "idle: 1h"), "metrics/m.yaml": METRICS}) as url:
            project = folder / "same"
            (project / "metrics").mkdir(parents=True)
            (project / "sluice.yaml").write_text("version: 1\nname: p\nsources: [{name: site}]\n")
            (project / "metrics/m.yaml").write_text(METRICS)
            states = set()
            for name, order in (("paid_hourly", "window_start, country"), ("hop", "window_start"), ("viewer_to_payer", "window_start, step")):
                code, sql, _ = self.run("explain", name, str(project), "--sql", "clickhouse")
                self.expect(f"explain {name} --sql", code, 0)
                wait_for(f"the rows of {name}", lambda: rows(url, f"(\n{sql}\n)", order) == rows(url, f"sluice.{name}", order))
                view = rows(url, f"sluice.{name}", order)
                self.expect(f"{name}: the statement runs as it is printed", len(ask(url, sql).splitlines()), len(view))
                self.expect(f"{name} has rows", len(view) > 8, True)
                states |= {row["state"] for row in view}
            self.expect("windows of both states", states, {"filling", "final"})


def rows(url, of, order):
    """As texts by the names of their columns: views have them in the order written, statements in that of the plan."""
    lines = ask(url, f"SELECT * FROM {of} ORDER BY {order} FORMAT JSONEachRow").splitlines()
    return [json.loads(line, parse_int=str, parse_float=str) for line in lines]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sluice", required=True, type=os.path.abspath)
    parser.add_argument("--with-store", action="store_true")
    parser.add_argument("--without-store", action="store_true")
    arguments = parser.parse_args()
    test = Test(arguments.sluice)
    with tempfile.TemporaryDirectory(prefix="sluice-commands-") as name:
        folder = pathlib.Path(name)
        if arguments.without_store:
            test.fmt(folder)
            test.explain_without_store(folder)
        if arguments.with_store:
            test.explain_with_store(folder)
    print(f"{test.passed} passed, {test.failed} failed")


main()
