#!/usr/bin/env bash
# npm_ci.sh DIR - installs DIR's package-lock.json into DIR/node_modules, without running any package's scripts.
#
# Does nothing where node_modules already holds exactly this lock file. DIR/.npmrc keeps host names out of the lock.
set -euo pipefail

dir=${1:?usage: npm_ci.sh DIR}
cd "$dir"
[ -f package-lock.json ] || { echo "npm_ci.sh: $PWD/package-lock.json: no such file; run 'npm install' there once and commit the lock file" >&2; exit 1; }
want=$(cat package.json package-lock.json .npmrc 2>/dev/null | sha256sum | cut -d' ' -f1)
stamp=node_modules/.lock-sha256
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ] && exit 0
if ! npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2; then
  echo "npm_ci.sh: $PWD: npm ci failed (above). Is the npm registry reachable? Then run the same command again." >&2
  exit 1
fi
printf '%s\n' "$want" >"$stamp"
