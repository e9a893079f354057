// The weight of the first load: everything in dist, gzip. Fails the build over the budget of 300 KB.
import {readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {gzipSync} from 'node:zlib';

const kBudget = 300 * 1024;
const files = (folder) => readdirSync(folder).flatMap((name) => {
  const path = join(folder, name);
  return statSync(path).isDirectory() ? files(path) : [path];
});
const total = files('dist').reduce((sum, path) => sum + gzipSync(readFileSync(path)).length, 0);
console.log(`first load ${(total / 1024).toFixed(1)} KB gzip of ${kBudget / 1024}`);
if (total > kBudget) {
  console.error('The page is over its budget: see what grew with `npx vite build --debug`, or load it only where it is used.');
  process.exit(1);
}
