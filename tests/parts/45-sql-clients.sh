#!/usr/bin/env bash
# Unmodified SQL clients against a running program: clickhouse-connect to pandas, @clickhouse/client, and every known attempt to get
# past the SQL port. Packages are pinned: tests/compat/sql_clients/{requirements.txt,package-lock.json}.
. tests/parts/part.sh

[ -x "$BUILD/sluice" ] || skip "$BUILD/sluice is not built"
clients=$ROOT/tests/compat/sql_clients
venv=$BUILD/sql-clients-$(sha256sum "$clients/requirements.txt" | cut -c1-16)
if [ ! -x "$venv/bin/python" ]; then
  rm -rf "$BUILD"/sql-clients-*
  quiet python3 -m venv "$venv.new"
  quiet "$venv.new/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary=:all: -r "$clients/requirements.txt"
  mv -T "$venv.new" "$venv"
fi
quiet tools/npm_ci.sh "$clients"

# The program runs for all three; each prints its own lines.
export SLUICE=$BUILD/sluice
output=$(mktemp)
"$venv/bin/python" "$clients/run.py" "$output" || true
read -r ok bad <"$output" || { ok=0 bad=1; }
rm -f "$output"
passed=$((passed + ok)) failed=$((failed + bad))
