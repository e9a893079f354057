#!/usr/bin/env bash
# npm_ci.sh DIR - installs DIR's package-lock.json into DIR/node_modules, without running any package's scripts.
#
# Does nothing where node_modules already holds exactly this lock file. DIR/.npmrc keeps host names out of the lock.
# Why not `npm ci`: it refuses a lock that leaves out optional packages of other platforms, which not every registry serves. So
# this checks by itself that lock and package.json ask for the same, and then installs what the lock pins, leaving it unchanged.
set -euo pipefail

dir=${1:?usage: npm_ci.sh DIR}
cd "$dir"
fail() { echo "npm_ci.sh: $PWD: $*" >&2; exit 1; }
[ -f package-lock.json ] || fail "no package-lock.json; run 'npm install' there once and commit it"
want=$(cat package.json package-lock.json .npmrc 2>/dev/null | sha256sum | cut -d' ' -f1)
stamp=node_modules/.lock-sha256
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ] && exit 0

# shellcheck disable=SC2016
node -e '
  const refuse = (why) => { console.error(why); process.exit(1); };
  const read = (path) => JSON.parse(require("fs").readFileSync(path));
  const wanted = read("package.json"), lock = read("package-lock.json").packages;
  for (const kind of ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"]) {
    const names = new Set([...Object.keys(wanted[kind] ?? {}), ...Object.keys(lock[""][kind] ?? {})]);
    for (const name of names) if (wanted[kind]?.[name] !== lock[""][kind]?.[name]) refuse(`${name} differs between package.json and its lock`);
  }
  for (const [path, entry] of Object.entries(lock)) if (path && !entry.link && !entry.inBundle && !entry.integrity) refuse(`${path} is not pinned by a hash`);
' || fail "package.json and package-lock.json do not fit: run 'npm install' there and commit the lock file"
npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error >&2 ||
  fail "npm install failed (above). Is the npm registry reachable? Then run the same command again."
printf '%s\n' "$want" >"$stamp"
