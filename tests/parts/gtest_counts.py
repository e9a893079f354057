"""gtest_counts.py CTEST_OUTPUT REPORTS - prints 'passed failed' of single tests, from GoogleTest's JSON reports and ctest's lines.

A program that ctest calls failed without a failed test in its report (it crashed, hung, or was not built) counts as one failed.
"""
import json
import pathlib
import re
import sys

output, reports = pathlib.Path(sys.argv[1]).read_text(errors="replace"), pathlib.Path(sys.argv[2])
programs = re.findall(r"^\s*\d+/\d+ Test\s+#\d+: (\S+) \.*\s*(\S+)", output, re.M)
if not programs:
    sys.exit("ctest ran nothing")
passed = failed = 0
reported = {path.stem: json.loads(path.read_text()) for path in reports.glob("*.json")}
for report in reported.values():
    skipped = sum(case.get("result") == "SKIPPED" for suite in report["testsuites"] for case in suite["testsuite"])
    passed += report["tests"] - report["failures"] - report.get("disabled", 0) - skipped
    failed += report["failures"]
for name, result in programs:
    report = reported.get(f"{name}_test")
    if report is None or (result != "Passed" and not report["failures"]):
        failed += 1
print(passed, failed)
