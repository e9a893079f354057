// Pictures of every page, state, theme and width into a folder: look at each as a customer would.
//
//   node dev/shots.mjs FOLDER [name-part]
import {mkdirSync} from 'node:fs';

import {launch} from '../e2e/browser.mjs';
import {start} from './server.mjs';

const folder = process.argv[2] ?? 'shots';
const part = process.argv[3] ?? '';
mkdirSync(folder, {recursive: true});
const places = [
  ['full', '/?mode=full'], ['changes', '/d/changes?mode=full'], ['empty', '/?mode=empty'], ['degraded', '/?mode=degraded'],
  ['filling', '/?mode=filling'], ['error', '/?mode=error'], ['loading', '/?mode=slow'], ['explain', '/?mode=full&explain=activity.0.0'], ['twin', '/?mode=full&twin=activity.1.0&filter=seastar'],
  ['people', '/d/people?mode=full'], ['compare', '/d/people?mode=full&range=30d&compare=previous&f.repo=fmt'], ['both', '/?mode=full&range=90d&compare=previous'], ['dropped', '/d/people?mode=full&dropped=people.1.0:3:[]'], ['person', '/person?mode=full&key=u_77c1'],
  ['session', '/d/people?mode=full'], ['waiting', '/d/people?mode=slow'],
  ['live', '/live?mode=full'], ['trace', '/live?mode=full&trace=m-1'], ['quarantine', '/quarantine?mode=full'], ['sql', '/sql?mode=full'], ['missing', '/nowhere?mode=full'], ['lost', '/?mode=lost'],
];
const server = await start();
const browser = await launch();
for (const [name, path] of places) {
  if (!name.includes(part)) continue;
  for (const width of [1440, 390]) {
    for (const colorScheme of ['light', 'dark']) {
      const context = await browser.newContext({viewport: {width, height: width > 600 ? 900 : 844}, colorScheme, deviceScaleFactor: width > 600 ? 1 : 2});
      const page = await context.newPage();
      const said = [];
      page.on('console', (message) => { if (message.type() === 'error') said.push(message.text()); });
      page.on('pageerror', (error) => said.push(String(error)));
      await page.goto(server.url + path);
      await page.waitForTimeout(name === 'live' || name === 'lost' ? 5_500 : name === 'compare' ? 3_500 : 1_200);
      if (name === 'sql') { await page.click('[data-sql-run]'); await page.waitForSelector('[data-sql-result]'); }
      if (name === 'session') { await page.click('[data-session] button'); await page.waitForSelector('.event-rows'); }
      if (name === 'explain') { await page.click('[data-verify-run]'); await page.waitForSelector('[data-verify]'); }
      if (name === 'full' && width > 600) { const box = await page.locator('[data-panel="activity.2.0"] .u-over').boundingBox(); await page.mouse.move(box.x + box.width * 0.7, Math.min(880, box.y + 60)); await page.waitForTimeout(100); }
      await page.screenshot({path: `${folder}/${name}-${width}-${colorScheme}.png`, fullPage: name !== 'live'});
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
      if (wide) said.push('scrolls sideways');
      if (said.length > 0) console.log(name, width, colorScheme, said.slice(0, 4).join(' | '));
      await context.close();
    }
  }
}
await browser.close();
server.close();
