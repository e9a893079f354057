// Headless Chromium for tests and pictures. CHROMIUM names the program where it is not /usr/bin/chromium.
import {chromium} from 'playwright-core';

const kArguments = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

export function launch() {
  return chromium.launch({executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: kArguments});
}
