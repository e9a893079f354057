"""run.py [--kills N] [--seed S] [--counts FILE] [--files NAME,NAME] [WORD...] - runs the tests whose names contain one of the words, or all.

A test is a function in the TESTS of its file; its name is the sentence that it proves. 'passed failed' is kept in the file COUNTS while it
goes on. Exit 1 if a test failed.
"""
import argparse
import importlib
import pathlib
import random
import resource
import sys
import time
import traceback

from harness import Failed, SLUICE, Skipped

FILES = ["judge", "kills", "stops", "traces", "tampering", "restored", "full_disk", "bad_input"]


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=10, help="that must hit an unanswered request and an uncommitted epoch")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--counts", type=pathlib.Path)
    parser.add_argument("--files", default=",".join(FILES))
    parser.add_argument("words", nargs="*")
    return parser.parse_args()


def run(test, options):
    """'ok', 'FAIL' or 'skipped'."""
    began = time.monotonic()
    verdict = "ok"
    print(f"{test.__name__.replace('_', ' ')}", flush=True)
    try:
        test(options)
    except Skipped as why:
        verdict = f"SKIPPED, not proved here: {why}"
    except Failed as why:
        verdict = f"FAIL: {why}"
    except Exception:  # a broken test is a failed one; the others still run
        traceback.print_exc(file=sys.stdout)
        verdict = "FAIL: the test itself broke"
    print(f"    {verdict} ({time.monotonic() - began:.1f} s)", flush=True)
    return verdict.split()[0].rstrip(":,")


def main():
    options = arguments()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # 5,000 idle connections have two ends
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print(f"program {SLUICE}, seed {options.seed}", flush=True)
    passed = failed = 0
    for name in options.files.split(","):
        for test in importlib.import_module(name).TESTS:
            if options.words and not any(word in test.__name__ for word in options.words):
                continue
            verdict = run(test, options)
            passed += verdict == "ok"
            failed += verdict == "FAIL"
            if options.counts:
                options.counts.write_text(f"{passed} {failed}\n")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
