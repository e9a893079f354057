// Copying text, also where the page is not served from a secure context and the clipboard interface is missing.

import {speak} from './speak';

export async function copy(text: string, what: string): Promise<boolean> {
  const done = await write(text);
  speak(done ? `${what} copied` : `${what} could not be copied`);
  return done;
}

async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'visually-hidden';
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}
