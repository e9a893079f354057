#!/usr/bin/env python3
"""check_layers.py - the rules of ARCHITECTURE.md and HACKING.md that a tool can check.

  check_layers.py              errors, one line each; exit 1 if there is one
  check_layers.py --warnings   files and functions over their size budget; exit 0
  check_layers.py --self-test  plants each violation in a temporary tree and expects exactly that error
  --root DIR                   another tree than this one

The layers come from the table in ARCHITECTURE.md. Comments and text literals do not count as code.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HEADER_LINES, SOURCE_LINES, FUNCTION_LINES = 150, 500, 70
BLOB_BYTES_MAX = 2 * 1024 * 1024

BANNED_NAME_WORDS = {"util", "utils", "helper", "helpers", "manager", "managers", "common", "impl", "misc"}
# Hosts that a URL in this tree may name: documents, loopback, and names reserved for examples.
URL_HOSTS = {"localhost", "127.0.0.1", "[::1]", "0.0.0.0", "www.apache.org", "www.w3.org", "json-schema.org", "host", "h", "google.com"}
URL_HOSTS_RESERVED = (".example", ".test", ".invalid", ".localhost", "example.com", "example.org", "example.net")

CODE_RULES = [  # (name, pattern on code without comments and texts, may it stand here?, what to do instead)
    ("errno", r"\berrno\b|<cerrno>|<errno\.h>|\bstrerror", lambda f: f.folder == "os" or f.path.startswith("bench/"),  # the load generator is light because it drives its sockets itself
     "only src/os knows errno; use a port's Result"),
    ("boost", r"#\s*include\s*<boost/|\bboost::", lambda f: f.folder == "net", "Boost stays in src/net"),
    ("thread", r"\bstd::j?thread\b(?!::hardware)|\bstd::async\b|\bpthread_create\b",
     lambda f: f.folder == "app" or f.is_test or f.path.startswith("src/store/child_threads."),  # the child is a program of its own
     "threads exist only in src/app"),
    ("mutex", r"\bstd::(?:\w+_)?mutex\b|\bstd::condition_variable", lambda f: f.folder in ("base", "app") or f.is_test or f.explains("mutex"),
     "between threads only values move, through base/bounded_queue.h; where a mutex must be, the header's first comment says why"),
    ("clock", r"(?<!clock\.)(?<!clock_\.)\bsleep_(?:for|until)\b|\bu?sleep\s*\(|\bsystem_clock\b|\b(?:steady|high_resolution)_clock::now\b|\bclock_gettime\b|\bgettimeofday\b",
     lambda f: f.folder == "os" or f.is_test, "time enters through os/clock.h"),
    ("effect", r"\bstd::random_device\b|\b[io]?fstream\b|\bfopen\s*\(|\bstd::filesystem\b|\bfork\s*\(|\bgetrandom\s*\(",
     lambda f: f.folder in ("os", "") or f.is_test, "files, entropy and processes enter through the ports of src/os"),
    ("throw", r"\bthrow\b", lambda f: f.is_test, "expected failures are Result<T>; bugs are SLUICE_ASSERT"),
    ("regex", r"\bstd::w?regex\b|<regex>", lambda f: False, "std::regex overflows the stack on hostile texts"),
    ("using", r"\busing\s+namespace\s+std\s*;", lambda f: False, "write std::"),
]

TEXT = re.compile(r'//[^\n]*|/\*.*?\*/|R"([^()\\\s]{0,16})\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'', re.S)
INCLUDE = re.compile(r'^[ \t]*(#)[ \t]*include[ \t]*([<"][^>"]+[>"])', re.M)
MARKS = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
MACHINE_PATH = re.compile(r"(?<![\w.$}*])/(?:home/[a-z]|root/|Users/|work/(?:main|shared|\.library))|/tmp/(?:s|b-\w+)/")
BARE_HOST = re.compile(r"\b(?:registry|repo1?|files|deb|index|proxy|static|pypi)\.(?:[a-z0-9-]+\.)*(?:org|com|io|net|dev)\b")
URL = re.compile(r"https?://([\w.-]+|\[::1\])")


class File:
    def __init__(self, root, path, text):
        self.root, self.path, self.text = root, path, text
        parts = path.split("/")
        self.name = parts[-1]
        self.folder = parts[1] if parts[0] == "src" and len(parts) > 2 else ""
        self.is_cpp = self.name.endswith((".cc", ".h"))
        self.is_header = self.name.endswith(".h")
        self.is_test = not path.startswith("src/") or re.search(r"_(test|fuzz)\.cc$|_(?:test|fake)[a-z_]*\.h$", self.name) is not None

    def explains(self, word):
        """Does the first comment of this file, or of its header, use the word?"""
        header = self.root / re.sub(r"\.cc$", ".h", self.path)
        texts = [self.text, header.read_text(errors="replace") if header.is_file() else ""]
        return any(word in re.match(r"(?://[^\n]*\n)*", text).group(0) for text in texts)

    def line(self, offset):
        return self.text.count("\n", 0, offset) + 1


def blank(match):
    """Comments and texts become spaces, so that offsets and lines stay; an include keeps its name."""
    return re.sub(r"[^\n]", " ", match.group(0))


def code_of(text):
    return TEXT.sub(blank, text)


def read_ranks(root):
    """{folder: rank} from the table whose header is | rank | folder | holds |."""
    text = (root / "ARCHITECTURE.md").read_text()
    ranks, inside = {}, False
    for line in text.splitlines():
        if re.match(r"\|\s*rank\s*\|\s*folder\s*\|", line):
            inside = True
        elif inside and line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            for folder in re.findall(r"`src/(\w+)`", cells[1]):
                ranks[folder] = int(cells[0])
        elif inside:
            break
    return ranks


def tracked(root):
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard", "-z"], capture_output=True, check=True)
    for name in sorted(set(listed.stdout.decode().split("\0")) - {""}):
        if (root / name).is_file():
            yield name


def check_includes(file, code_includes, ranks, errors):
    if not file.folder:
        return
    if file.folder not in ranks:
        errors.append((file.path, 1, "layer", f"src/{file.folder} has no rank in the table of ARCHITECTURE.md"))
        return
    for offset, target in code_includes:
        other = target[1:-1].split("/")[0]
        if target[0] != '"':
            continue
        if "/" not in target or other not in ranks:
            errors.append((file.path, file.line(offset), "layer", f"{target}: write includes as \"folder/file.h\", with a folder of the table"))
        elif other == "os" and file.folder == "plan":
            errors.append((file.path, file.line(offset), "layer", f"{target}: src/plan is pure: it reads no file, no clock"))
        elif other != file.folder and ranks[other] >= ranks[file.folder]:
            what = "stages never include one another" if ranks[other] == ranks[file.folder] == 4 else "include only lower ranks or the own folder"
            errors.append((file.path, file.line(offset), "layer",
                           f"{target}: src/{file.folder} (rank {ranks[file.folder]}) may not include src/{other} (rank {ranks[other]}): {what}"))


def check_cpp(file, ranks, errors):
    code = code_of(file.text)
    includes = [(m.start(1), m.group(2)) for m in INCLUDE.finditer(file.text) if code[m.start(1)] == "#"]
    check_includes(file, includes, ranks, errors)
    for name, pattern, allowed, instead in CODE_RULES:
        if not allowed(file):
            for match in re.finditer(pattern, code):
                errors.append((file.path, file.line(match.start()), name, f"'{match.group(0).strip()}': {instead}"))
    if file.is_header:
        if "#pragma once" not in code:
            errors.append((file.path, 1, "header", "no #pragma once"))
        if file.folder and not file.text.startswith(f"// {file.name} - "):
            errors.append((file.path, 1, "header", f"begins with '// {file.name} - what it is'"))


def check_text(file, errors):
    for match in MARKS.finditer(file.text):
        errors.append((file.path, file.line(match.start()), "mark", f"'{match.group(0)}': finish it, or file an issue"))
    for match in MACHINE_PATH.finditer(file.text):
        errors.append((file.path, file.line(match.start()), "path", f"'{match.group(0)}': a path of one machine"))
    lock = file.name == "package-lock.json"
    if lock:
        for match in re.finditer(r'"resolved":', file.text):
            errors.append((file.path, file.line(match.start()), "host", "a lock file names no host: .npmrc beside it needs omit-lockfile-registry-resolved=true"))
    for match in BARE_HOST.finditer(file.text):
        errors.append((file.path, file.line(match.start()), "host", f"'{match.group(0)}': packages are named, their registry is the machine's choice"))
    if not lock:
        for match in URL.finditer(file.text):
            host = match.group(1).lower()
            if host not in URL_HOSTS and not host.endswith(URL_HOSTS_RESERVED):
                errors.append((file.path, file.line(match.start()), "host", f"'{match.group(0)}': name no host; allowed ones are in URL_HOSTS of tools/check_layers.py"))


def check_names(path, errors):
    for part in path.split("/"):
        bad = BANNED_NAME_WORDS & set(re.split(r"[_.\-]", part.lower()))
        if bad:
            errors.append((path, 1, "name", f"'{bad.pop()}' says nothing: name it after what it holds"))


def functions_over(code, budget):
    """(line, lines) of function bodies longer than budget. A '{' opens a function if a ')' stands between it and the last ; { or }
    and no enclosing brace is a function."""
    stack, start, line = [], 0, 1
    for match in re.finditer(r"[{};\n]", code):
        what = match.group(0)
        if what == "\n":
            line += 1
            continue
        if what == "{":
            before = code[start:match.start()]
            inside = any(stack)
            is_function = not inside and ")" in before and not re.search(r"\b(namespace|struct|class|enum|union)\b[^()]*$", before)
            stack.append(line if is_function else 0)
        elif what == "}" and stack:
            opened = stack.pop()
            if opened and line - opened + 1 > budget:
                yield opened, line - opened + 1
        start = match.end()


def check_sizes(file, warnings):
    lines = file.text.count("\n")
    budget = HEADER_LINES if file.is_header else SOURCE_LINES
    if file.folder and lines > budget:
        warnings.append((file.path, 1, "size", f"{lines} lines; the budget is {budget}"))
    for line, count in functions_over(code_of(file.text), FUNCTION_LINES):
        warnings.append((file.path, line, "size", f"function of {count} lines; the budget is {FUNCTION_LINES}"))


def check(root):
    """(errors, warnings), each a list of (path, line, rule, message)."""
    errors, warnings = [], []
    ranks = read_ranks(root)
    if not ranks:
        errors.append(("ARCHITECTURE.md", 1, "layer", "no table | rank | folder | holds |"))
    for path in tracked(root):
        check_names(path, errors)
        data = (root / path).read_bytes()
        if len(data) > BLOB_BYTES_MAX:
            errors.append((path, 1, "blob", f"{len(data)} bytes; the budget is {BLOB_BYTES_MAX}"))
            continue
        if b"\0" in data[:8192]:
            continue
        file = File(root, path, data.decode(errors="replace"))
        if path != "tools/check_layers.py":
            check_text(file, errors)
        if file.is_cpp:
            check_cpp(file, ranks, errors)
            check_sizes(file, warnings)
    return errors, warnings


def default_root():
    return pathlib.Path(__file__).resolve().parent.parent


TABLE = """| rank | folder | holds |
|---|---|---|
| 0 | `src/base` | |
| 1 | `src/os` | |
| 2 | `src/event` | |
| 3 | `src/plan` | |
| 3 | `src/net` | |
| 4 | `src/log` `src/store` | |
| 5 | `src/app` | |
"""
GOOD = {  # a tree without a violation, with everything that looks like one but is none
    "ARCHITECTURE.md": "text\n\n" + TABLE + "\nmore\n",
    "src/base/a.h": '// a.h - a.\n#pragma once\n#include <mutex>\ninline std::mutex m;\n',
    "src/os/b.cc": '#include "base/a.h"\n#include <cerrno>\nint e = errno;\n',
    "src/log/c.cc": '#include "os/b.h"\n// throw errno, std::thread, #include "store/d.h"\nconst char* t = "throw \\" errno";\nauto r = R"x(throw ")x";\nint n = 1\'000;\nchar q = \'"\';\nint k;\n',
    "src/log/c_test.cc": "#include <thread>\nstd::thread t; void f() { throw 1; }\n",
    "src/log/g.h": "// g.h - g.\n// Why a mutex: so.\n#pragma once\nstd::mutex m;\n",
    "src/log/g.cc": "std::lock_guard<std::mutex> lock(m);\nusing namespace std::string_view_literals;\n",
    "src/app/e.cc": '#include "log/c.h"\n#include "store/d.h"\nstd::thread t;\n',
    "package-lock.json": '{"funding": "https://opencollective.com/x"}\n',
    "README.md": "curl http://127.0.0.1:18080/v1/events and https://shop.example/pricing\n",
}
BAD = [  # (file, text, rule)
    ("src/base/x.cc", '#include "os/b.h"\n', "layer"),
    ("src/log/x.cc", '#include "store/d.h"\n', "layer"),
    ("src/event/x.cc", '#include "plan/d.h"\n', "layer"),
    ("src/plan/x.cc", '#include "net/d.h"\n', "layer"),
    ("src/plan/x.cc", '#include "os/clock.h"\n', "layer"),
    ("src/log/x.cc", '  # include "app/d.h"\n', "layer"),
    ("src/log/x.cc", '#include "d.h"\n', "layer"),
    ("src/other/x.cc", "int i;\n", "layer"),
    ("src/log/x.cc", "#include <boost/asio.hpp>\n", "boost"),
    ("src/log/x.cc", "int e = errno;\n", "errno"),
    ("src/log/x.cc", "std::jthread t;\n", "thread"),
    ("src/net/x.cc", "std::shared_mutex m;\n", "mutex"),
    ("src/net/x.cc", "int i;\n// a mutex, because\nstd::mutex m;\n", "mutex"),
    ("src/log/x.cc", "auto n = std::chrono::steady_clock::now();\n", "clock"),
    ("src/app/x.cc", "std::this_thread::sleep_for(d);\n", "clock"),
    ("src/log/x.cc", "std::ofstream out(path);\n", "effect"),
    ("src/log/x.cc", 'char q = \'"\'; void f() { throw 1; }  // "\n', "throw"),
    ("src/log/x_test.cc", "std::regex r;\n", "regex"),
    ("src/log/x.cc", "using namespace std;\n", "using"),
    ("src/log/x.h", "// x.h - x.\nint i;\n", "header"),
    ("src/log/x.h", "#pragma once\n", "header"),
    ("src/log/string_utils.h", "// string_utils.h - x.\n#pragma once\n", "name"),
    ("tools/common/x.py", "x = 1\n", "name"),
    ("docs/x.md", "TO" "DO later\n", "mark"),
    ("docs/x.md", "see /" "home/ann/x\n", "path"),
    ("docs/x.md", "see /" "work/main/x\n", "path"),
    ("docs/x.md", "from https://somewhere.net/x\n", "host"),
    ("docs/x.md", "from registry." "somewhere.org\n", "host"),
    ("web/package-lock.json", '{"resolved": "x"}\n', "host"),
    ("docs/x.bin", "\0" * (BLOB_BYTES_MAX + 1), "blob"),
]
BIG = [  # (file, text, part of the warning)
    ("src/log/x.h", "// x.h - x.\n#pragma once\n" + "int i;\n" * 150, "152 lines"),
    ("src/log/x.cc", "int i;\n" * 501, "501 lines"),
    ("src/log/x.cc", "namespace a {\nint f(int i) {\n" + "  if (i) { i++; }\n" * 69 + "}\n}\n", "function of 71 lines"),
    ("src/log/x.cc", "struct S {\n int f() const\n {\n" + "  i++;\n" * 69 + "}\n};\n", "function of 71 lines"),
]


def in_tree(files):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        subprocess.run(["git", "init", "-q", str(root)], check=True, env=environment)
        return check(root)


def self_test():
    wrong = []
    errors, warnings = in_tree(GOOD)
    if errors or warnings:
        wrong.append(f"the good tree: {errors} {warnings}")
    for path, text, rule in BAD:
        rules = {error[2] for error in in_tree(GOOD | {path: text})[0]}
        if rules != {rule}:
            wrong.append(f"{path} {text[:60]!r}: expected {rule}, found {sorted(rules)}")
    for path, text, message in BIG:
        errors, warnings = in_tree(GOOD | {path: text})
        if errors or len(warnings) != 1 or message not in warnings[0][3]:
            wrong.append(f"{path}: expected '{message}', found {errors} {warnings}")
    if list(functions_over("struct S {\n" + "int i;\n" * 80 + "};\nint f() {\n" + "i++;\n" * 68 + "}\n", 70)):
        wrong.append("a long struct or a function of 70 lines is none over the budget")
    if in_tree({"ARCHITECTURE.md": "no table\n"})[0][0][2] != "layer":
        wrong.append("a missing table is not seen")
    for line in wrong:
        print(f"self-test: {line}")
    print(f"self-test: {len(BAD) + len(BIG) + 3} cases, {len(wrong)} wrong")
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=default_root())
    parser.add_argument("--warnings", action="store_true")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        return self_test()
    errors, warnings = check(options.root.resolve())
    for path, line, rule, message in warnings if options.warnings else errors:
        print(f"{path}:{line}: {'warning ' if options.warnings else ''}[{rule}] {message}")
    return 0 if options.warnings else int(bool(errors))


if __name__ == "__main__":
    sys.exit(main())
