"""schemas.py --sluice PROGRAM - the JSON Schemas that `sluice init` writes, held against what `sluice check` accepts.

The validator is Debian's python3-jsonschema. Three claims: every file of every known project is accepted; each kind of mistake that a
table of keys can tell is refused; and no file that `check` accepts is refused, over random edits of good projects. Prints its tests
and ends with 'N passed, M failed'.
"""
import argparse
import copy
import json
import pathlib
import random
import re
import subprocess
import tempfile

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
EDITS = 400
FUNNEL = """version: 1
funnels:
  - name: author_to_lander
    question: Who goes from writing to landing?
    by: user_key
    within: 7d
    window: {tumble: 7d, offset: 4d}
    steps:
      - {name: wrote, where: event = 'commit_authored'}
      - {name: landed, where: event = 'commit_landed'}
"""
# What is wrong -> (file, the text that is replaced, by what). The texts stand in the project that `init` writes.
MISTAKES = {
    "an unknown key": ("metrics/visits.yaml", "    where: event", "    wher: event"),
    "a key of another level": ("sluice.yaml", "name: my_project", "name: my_project\ndisorder: 10s"),
    "a missing name": ("metrics/visits.yaml", "  - name: views_hourly\n    question:", "  - question:"),
    "a missing window": ("metrics/visits.yaml", "    window: {tumble: 1h}\n", ""),
    "no version": ("dashboards/visits.yaml", "version: 1\n", ""),
    "another version": ("dashboards/visits.yaml", "version: 1\n", "version: 2\n"),
    "a name in capitals": ("metrics/visits.yaml", "name: views_hourly", "name: Views"),
    "a dimension's name in capitals": ("metrics/visits.yaml", "      page:", "      Page:"),
    "a duration without unit": ("metrics/visits.yaml", "{tumble: 1h}", "{tumble: 1}"),
    "a duration of an unknown unit": ("metrics/visits.yaml", "allowed_lateness: 10m", "allowed_lateness: 10min"),
    "an address without port": ("sluice.yaml", "sql: 127.0.0.1:8123", "sql: 127.0.0.1"),
    "a size without unit": ("sluice.yaml", "sources:", "retention: {log_bytes: 500}\nsources:"),
    "keys where a list stands": ("sluice.yaml", "  - {name: site", "    {name: site"),
    "a text where keys stand": ("metrics/visits.yaml", "    window: {tumble: 1h}", "    window: 1h"),
    "a list where keys stand": ("metrics/visits.yaml", "      views: count()\n", "      views: [count()]\n"),
    "nothing where a value stands": ("metrics/visits.yaml", "      page: properties.page", "      page:"),
    "a measure with an unknown key": ("metrics/visits.yaml", "label: Views per person", "labels: Views"),
    "a measure without its value": ("metrics/visits.yaml", "{value: views / people, label", "{label"),
    "a panel outside a row": ("dashboards/visits.yaml", "      - [{stat: views_hourly.views, over: 7d}, {stat: views_hourly.people, over: 7d}]",
                              "      - {stat: views_hourly.views}"),
    "a panel with an unknown key": ("dashboards/visits.yaml", "by: page", "split: page"),
    "a kind that is reserved": ("metrics/visits.yaml", "metrics:\n", "contracts: []\nmetrics:\n"),
}


def json_of(node):
    """A YAML node as the JSON that an editor sees: plain scalars by YAML's core schema (PyYAML's own rules are those of YAML 1.1)."""
    if isinstance(node, yaml.MappingNode):
        return {key.value: json_of(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [json_of(item) for item in node.value]
    text = node.value
    if node.style is not None:
        return text
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"[-+]?[0-9]+", text):
        return int(text)
    if re.fullmatch(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)", text):
        return float(text)
    return text


class Test:
    def __init__(self, sluice):
        self.sluice = sluice
        self.passed = self.failed = 0
        with tempfile.TemporaryDirectory() as folder:
            project = pathlib.Path(folder) / "p"
            subprocess.run([sluice, "init", project], check=True, capture_output=True)
            self.schemas = {path.stem: json.loads(path.read_text()) for path in (project / ".sluice/schema").iterdir()}
            self.fresh = files_of(project)
            for path, text in self.fresh.items():
                named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
                self.expect(f"the first line of {path} names its schema",
                            bool(named) and ((project / path).parent / named[1]).resolve() == (project / f".sluice/schema/{kind_of(path)}.json").resolve())
        self.expect("sluice, metrics, dashboards", sorted(self.schemas) == ["dashboards", "metrics", "sluice"])
        for schema in self.schemas.values():
            jsonschema.Draft202012Validator.check_schema(schema)

    def expect(self, name, holds, more=""):
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAIL  {name} {more}")

    def errors(self, path, text):
        schema = self.schemas[kind_of(path)]
        return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(json_of(yaml.compose(text)))]

    def is_good(self, files):
        """What `sluice check` says."""
        with tempfile.TemporaryDirectory() as folder:
            for path, text in files.items():
                (pathlib.Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
                (pathlib.Path(folder) / path).write_text(text)
            return subprocess.run([self.sluice, "check", folder], capture_output=True).returncode == 0

    def known_projects(self):
        yield "sluice init", self.fresh
        for example in sorted((ROOT / "examples").iterdir()):
            if (example / "sluice.yaml").exists():
                yield example.name, files_of(example)
        yield "docs/definitions.md", documented()
        yield "a funnel", {**self.fresh, "metrics/funnel.yaml": FUNNEL}

    def accepts_what_is_good(self):
        for name, files in self.known_projects():
            self.expect(f"check accepts {name}", self.is_good(files))
            for path, text in files.items():
                if not path.endswith(".yaml"):
                    continue
                errors = self.errors(path, text)
                self.expect(f"the schema accepts {path} of {name}", not errors, errors)

    def refuses_each_mistake(self):
        for what, (path, old, new) in MISTAKES.items():
            text = self.fresh[path]
            self.expect(f"{what}: the edit finds its place", text.count(old) == 1, old)
            edited = text.replace(old, new)
            self.expect(f"check refuses {what}", not self.is_good({**self.fresh, path: edited}))
            self.expect(f"the schema refuses {what}", bool(self.errors(path, edited)))

    def refuses_nothing_that_check_accepts(self):
        chance = random.Random(1)
        projects = [files for _, files in self.known_projects()]
        outcomes = {(schema, check): 0 for schema in (True, False) for check in (True, False)}
        for i in range(EDITS):
            files = dict(chance.choice(projects))
            path = chance.choice(sorted(path for path in files if path.endswith(".yaml")))
            tree = json_of(yaml.compose(files[path]))
            edit(tree, chance)
            files[path] = yaml.safe_dump(tree, sort_keys=False, width=1000)
            errors, good = self.errors(path, files[path]), self.is_good(files)
            outcomes[not errors, good] += 1
            self.expect(f"edit {i}: check accepts what the schema refuses", not (errors and good), f"{errors}\n{files[path]}")
        for outcome in ((True, True), (False, False)):
            self.expect(f"some edits come to {outcome}", outcomes[outcome] > 10, outcomes)
        print("edits accepted by (schema, check):", outcomes)


def kind_of(path):
    return "sluice" if path == "sluice.yaml" else path.split("/")[0]


def files_of(project):
    paths = [project / "sluice.yaml", *sorted(project.glob("metrics/*.yaml")), *sorted(project.glob("dashboards/*.yaml")), *sorted(project.glob("*.csv"))]
    return {str(path.relative_to(project)): path.read_text() for path in paths}


def documented():
    """The project that docs/definitions.md begins with, and its funnel: YAML blocks, files begin with '# NAME.yaml'."""
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/definitions.md").read_text(), re.S)
    files = {}
    for part in re.split(r"^(?=# [a-z/]+\.yaml$)", blocks[0], flags=re.M)[1:]:
        files[part.split("\n")[0][2:]] = part
    for number, block in enumerate(blocks[1:]):
        files[f"metrics/more_{number}.yaml"] = "version: 1\n" + block
    for block in re.findall(r"```csv\n(.*?)```", (ROOT / "docs/definitions.md").read_text(), re.S):
        files["dimensions/accounts.csv"] = block
    return files


def edit(tree, chance):
    """One random change: a key renamed, removed or added, or a value of another kind."""
    places = []

    def visit(node):
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], (dict, list)):
                visit(node[key])

    visit(tree)
    node, key = chance.choice(places)
    action = chance.choice(["remove", "rename", "value", "value", "add", "copy"])
    if action == "remove":
        del node[key]
    elif action == "rename" and isinstance(node, dict):
        node[chance.choice(["label", "value", "where", "name", "question", "x_1", "X"])] = node.pop(key)
    elif action == "add" and isinstance(node, dict):
        node[chance.choice(["label", "question", "allowed_lateness", "title", "offset"])] = chance.choice(["5m", "x", 5, True])
    elif action == "copy" and isinstance(node, list):
        node.append(copy.deepcopy(node[key]))
    else:
        node[key] = chance.choice(["5m", "1d", "0s", 5, 1.5, True, None, [], {}, "x", "count()", "event = 'a'", ["x"], {"value": "count()"}])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sluice", required=True)
    test = Test(parser.parse_args().sluice)
    test.accepts_what_is_good()
    test.refuses_each_mistake()
    test.refuses_nothing_that_check_accepts()
    print(f"{test.passed} passed, {test.failed} failed")


main()
