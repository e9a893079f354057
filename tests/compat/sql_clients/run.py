"""run.py COUNTS - starts a project and runs the three test files against its SQL port; writes 'passed failed' to the file COUNTS."""
import os
import pathlib
import re
import subprocess
import sys

from running_project import running_project

HERE = pathlib.Path(__file__).parent
SECONDS_MAX = 300


def run(name, command, url):
    """Runs one test program; returns (passed, failed), counted from its own report. One that dies counts as one failed."""
    try:
        done = subprocess.run(command, cwd=HERE, env={**os.environ, "SLUICE_SQL_URL": url}, capture_output=True, text=True, timeout=SECONDS_MAX)
        text, code = done.stdout + done.stderr, done.returncode
    except subprocess.TimeoutExpired as late:
        text, code = f"{late.stdout}\n{late.stderr}\nended after {SECONDS_MAX} s", 1
    if command[0] == "node":
        passed, failed = (len(re.findall(pattern, text, re.M)) for pattern in (r"^ok ", r"^not ok "))
    else:
        passed, failed = (len(re.findall(pattern, text, re.M)) for pattern in (r" \.\.\. ok$", r"^(?:FAIL|ERROR): "))
    if code != 0 and failed == 0 or passed + failed == 0:
        failed += 1
    print(f"{name}: {passed} passed, {failed} failed")
    if failed:
        print(text[-20000:])
    return passed, failed


def main():
    counts = pathlib.Path(sys.argv[1])
    counts.write_text("0 1\n")  # until there is a better answer
    with running_project() as url:
        results = [
            run("clickhouse-connect and pandas", [sys.executable, "clickhouse_connect_test.py"], url),
            run("@clickhouse/client", ["node", "--test", "--test-reporter=tap", "node_client_test.mjs"], url),
            run("attempts to get past the SQL port", [sys.executable, "attempts_test.py"], url),
        ]
    passed, failed = (sum(column) for column in zip(*results))
    counts.write_text(f"{passed} {failed}\n")


main()
