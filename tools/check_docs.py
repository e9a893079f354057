#!/usr/bin/env python3
"""check_docs.py - do the documents still speak of this tree?

  check_docs.py              every name in a document's `back quotes` that looks like one of ours must exist; exit 1 if one does not
  check_docs.py --self-test  plants each kind of error in a temporary tree and expects exactly it
  --root DIR                 another tree than this one

What is checked, in the documents of DOCUMENTS:
  `src/log/frame_format.h`, `tests/parts`, `src/*/*_fuzz.cc`, `src/log/{codec,catalog}.h`   a path of the tree
  `process/fold.cc:Fold::fold_event`, `web/src/live/feed.ts:Feed.read`                       a function in that file (src/ may be left out)
  `SegmentLog`, `Fold::finish`, `kFrameBytesMax`                                             a name that stands somewhere in the sources
  [text](docs/adr/0001-log-format.md)                                                        a link to a file
and in the sources: every docs/... that a comment names.
"""
import argparse
import glob
import itertools
import pathlib
import re
import sys
import tempfile

DOCUMENTS = ("README.md", "ARCHITECTURE.md", "HACKING.md", "CHANGELOG.md", "docs/adr/*.md", "docs/operations.md", "docs/dependencies.md",
             "docs/semantics.md", "docs/formats/*.md")
SOURCES = ("src/**/*.cc", "src/**/*.h", "web/src/**/*.ts", "web/src/**/*.tsx", "tools/*.py", "tests/**/*.py", "tests/**/*.cc", "tests/**/*.h",
           "examples/demo/*.mjs", "examples/*/demo/*.mjs", "examples/shop/generator/*.cc", "examples/shop/generator/*.h")
TOP = ("src", "docs", "tests", "tools", "web", "examples", "bench")
SUFFIX = r"\.(?:cc|h|py|sh|ts|tsx|mjs|md|yaml|txt|json|cmake|test)"
PATH = re.compile(rf"(?:[\w.*{{}},-]+/)*[\w.*{{}},-]+(?:{SUFFIX})?/?")
FUNCTION = re.compile(rf"([\w./-]+{SUFFIX}):([A-Za-z_][\w:.]*)(?:\(\))?")
NAME = re.compile(r"(?:[A-Z][a-z]\w*[a-z]\w*(?:::\w+)*|\w+::[\w:]+|k[A-Z]\w+)(?:\(\))?")
FOREIGN = {"MergeTree", "ReplacingMergeTree", "RowBinary", "Native", "Function", "TableIdentifier", "LowCardinality", "Nullable", "Decimal",
           "Map", "Retry-After"}  # ClickHouse's and HTTP's


def braces(text):
    """a/{b,c}.h -> a/b.h, a/c.h"""
    parts = [part.split(",") if index % 2 else [part] for index, part in enumerate(re.split(r"\{([^{}]*)\}", text))]
    return ["".join(choice) for choice in itertools.product(*parts)]


class Tree:
    def __init__(self, root):
        self.root = root
        self.texts = {}
        for pattern in SOURCES:
            for path in root.glob(pattern):
                if "node_modules" not in path.parts:
                    self.texts[path.relative_to(root).as_posix()] = path.read_text(errors="replace")
        self.everything = "\n".join(self.texts.values())

    def exists(self, path):
        return all(glob.glob(str(self.root / one)) for one in braces(path.rstrip("/")))

    def file(self, path):
        """The text of a source, with src/ left out or not; None: there is none."""
        for name in (path, "src/" + path):
            if (self.root / name).is_file():
                return self.texts.get(name) or (self.root / name).read_text(errors="replace")
        return None

    def has_function(self, text, name):
        owner, _, last = name.replace("::", ".").rpartition(".")
        if owner and re.search(rf"\b{re.escape(owner.split('.')[-1])}::{last}\s*[(<]", text):
            return True
        if not re.search(rf"\b{last}\s*[(<]|\b{last}\b\s*=", text):
            return False
        return not owner or re.search(rf"\b(?:class|struct)\s+{re.escape(owner.split('.')[-1])}\b", text) is not None

    def has_name(self, name):
        owner, _, last = name.rpartition("::")
        return all(re.search(rf"\b{word}\b", self.everything) for word in ([owner.split("::")[-1], last] if owner else [last]))


def wrong_with(token, tree):
    """What is wrong with one back-quoted token; None: nothing, or it is not one of ours."""
    match = FUNCTION.fullmatch(token)
    if match:
        text = tree.file(match.group(1))
        if text is None:
            return f"no file {match.group(1)}"
        return None if tree.has_function(text, match.group(2)) else f"{match.group(1)} has no {match.group(2)}"
    if PATH.fullmatch(token) and "/" in token and (token.split("/")[0] in TOP or re.search(SUFFIX + "$", token)):
        return None if tree.exists(token) or tree.exists("src/" + token) else "no such path"
    if NAME.fullmatch(token) and token not in FOREIGN:
        name = token.removesuffix("()")
        return None if tree.has_name(name) else "no such name in the sources"
    return None


def check(root):
    tree, errors = Tree(root), []
    for pattern in DOCUMENTS:
        for path in sorted(root.glob(pattern)):
            fenced = False
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if line.startswith("```"):
                    fenced = not fenced
                if fenced:
                    continue
                here = f"{path.relative_to(root).as_posix()}:{number}"
                for token in re.findall(r"`([^`]+)`", line):
                    if problem := wrong_with(token, tree):
                        errors.append(f"{here}: `{token}`: {problem}")
                for link in re.findall(r"\]\(([^)#]+)[^)]*\)", line):
                    if "://" not in link and not (path.parent / link).exists():
                        errors.append(f"{here}: ({link}): no such file")
    for name, text in sorted(tree.texts.items()):
        if name == "tools/check_docs.py" or name.startswith("tools/check_layers"):
            continue
        for match in re.finditer(r"\bdocs/[\w/.-]+\.md\b", text):
            if not (root / match.group(0)).is_file():
                errors.append(f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match.group(0)}: no such document")
    return errors


def self_test():
    good = {
        "src/log/a.cc": "// docs/formats/x.md\nvoid Log::append(int) {}\nint helper() { return kMax; }\n",
        "src/log/a.h": "class Log {\n  void append(int);\n  int size() const { return 1; }\n};\nconstexpr int kMax = 1;\n",
        "web/src/b.ts": "export class Feed {\n  private async read(n: number) {}\n}\n",
        "docs/formats/x.md": "text\n",
        "ARCHITECTURE.md": "`src/log/a.cc`, `src/log/a.{cc,h}`, `src/*/a.h`, `log/a.cc:Log::append`, `log/a.cc:helper`, `log/a.h:Log::size`, `Log`, "
                           "`Log::append`, `kMax`, `web/src/b.ts:Feed.read`, `MergeTree`, `DATA/x`, [x](docs/formats/x.md)\n```\n`src/none.cc`\n```\n",
    }
    bad = [("ARCHITECTURE.md", text) for text in
           ("`src/log/none.cc`", "`src/log/a.{cc,md}`", "`log/a.cc:Log::remove`", "`log/none.cc:f`", "`Missing`", "`Log::none`", "`kNone`",
            "`web/src/b.ts:Feed.write`", "[x](docs/none.md)")] + [("src/log/c.cc", "// docs/formats/none.md\n")]
    wrong = []

    def errors_of(files):
        with tempfile.TemporaryDirectory() as folder:
            for path, text in files.items():
                (pathlib.Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
                (pathlib.Path(folder) / path).write_text(text)
            return check(pathlib.Path(folder))

    if found := errors_of(good):
        wrong.append(f"the good tree: {found}")
    for path, text in bad:
        if len(found := errors_of(good | {path: text})) != 1:
            wrong.append(f"{text}: expected one error, found {found}")
    for line in wrong:
        print(f"self-test: {line}")
    print(f"self-test: {len(bad) + 1} cases, {len(wrong)} wrong")
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        return self_test()
    errors = check(options.root.resolve())
    for error in errors:
        print(error)
    return int(bool(errors))


if __name__ == "__main__":
    sys.exit(main())
