// Where in a raw text a JSON path points: $.timestamp, $[3].properties['a key'].b. The text may be cut off or broken behind the place,
// so this walks brackets and strings only and never parses the whole.
//
// Bounds: one pass, nesting up to kDepthMax.

export interface Span {
  from: number;
  to: number;
}

const kDepthMax = 256;
const kSpace = /[\s]/;

type Step = string | number;

export function steps(path: string): Step[] | null {
  if (!path.startsWith('$')) return null;
  const found: Step[] = [];
  const pattern = /\.((?:[^.[\\]|\\.)+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/y;
  pattern.lastIndex = 1;
  while (pattern.lastIndex < path.length) {
    const match = pattern.exec(path);
    if (!match) return null;
    if (match[2] !== undefined) found.push(Number(match[2]));
    else found.push((match[1] ?? match[3] ?? match[4] ?? '').replace(/\\(.)/g, '$1'));
  }
  return found;
}

function skipSpace(text: string, at: number): number {
  while (at < text.length && kSpace.test(text[at]!)) at++;
  return at;
}

// One past the closing quote, or the end of the text.
function skipString(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '"') return i + 1;
  }
  return text.length;
}

function skipValue(text: string, at: number): number {
  if (text[at] === '"') return skipString(text, at);
  if (text[at] !== '{' && text[at] !== '[') {
    while (at < text.length && !/[,\]}\s]/.test(text[at]!)) at++;
    return at;
  }
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    const c = text[i];
    if (c === '"') i = skipString(text, i) - 1;
    else if (c === '{' || c === '[') depth++;
    else if (c === '}' || c === ']') {
      depth--;
      if (depth === 0) return i + 1;
    }
  }
  return text.length;
}

// The last member of that name: for a key named twice that is the one to look at.
function member(text: string, at: number, name: string): {key: Span; value: number} | null {
  let found: {key: Span; value: number} | null = null;
  let i = skipSpace(text, at + 1);
  while (i < text.length && text[i] === '"') {
    const end = skipString(text, i);
    const key = {from: i, to: end};
    let value = skipSpace(text, end);
    if (text[value] !== ':') return found;
    value = skipSpace(text, value + 1);
    if (unquoted(text.slice(key.from, key.to)) === name) found = {key, value};
    i = skipSpace(text, skipValue(text, value));
    if (text[i] !== ',') return found;
    i = skipSpace(text, i + 1);
  }
  return found;
}

function unquoted(text: string): string {
  try {
    return JSON.parse(text) as string;
  } catch {
    return text.slice(1, -1);
  }
}

function element(text: string, at: number, index: number): number | null {
  let i = skipSpace(text, at + 1);
  for (let n = 0; i < text.length && text[i] !== ']'; n++) {
    if (n === index) return i;
    i = skipSpace(text, skipValue(text, i));
    if (text[i] !== ',') return null;
    i = skipSpace(text, i + 1);
  }
  return null;
}

function walk(text: string, path: Step[]): Span | null {
  let at = skipSpace(text, 0);
  let key: Span | null = null;
  if (path.length > kDepthMax) return null;
  for (const step of path) {
    if (typeof step === 'number') {
      const next = text[at] === '[' ? element(text, at, step) : null;
      if (next === null) return null;
      key = null;
      at = next;
    } else {
      const next = text[at] === '{' ? member(text, at, step) : null;
      if (!next) return null;
      key = next.key;
      at = next.value;
    }
  }
  const to = skipValue(text, at);
  if (to > at) return {from: at, to};
  return key;  // a key whose value was cut off
}

// Engines word their complaints differently; most name a position. Without one, a text that ends too early is marked at its end.
function unparsed(raw: string): Span | null {
  try {
    JSON.parse(raw);
    return null;
  } catch (error) {
    const said = /position (\d+)/.exec(String(error));
    const from = Math.max(0, Math.min(said ? Number(said[1]) : raw.length, raw.length - 1));
    return raw === '' ? null : {from, to: from + 1};
  }
}

// The raw text of one element of a batch may stand alone although its path names the index: then the index is left out.
// A path without steps points at the whole: then the place where a parser gives up, if it does. A path that leads nowhere (a field
// that is missing) gives null.
export function locate(raw: string, path: string): Span | null {
  const offset = /(?:byte|offset|char(?:acter)?)\s+(\d+)/.exec(path);
  if (offset) {
    const from = Math.min(Number(offset[1]), Math.max(0, raw.length - 1));
    return {from, to: Math.min(raw.length, from + 1)};
  }
  const all = steps(path);
  if (!all || all.length === 0) return unparsed(raw);
  const found = walk(raw, all);
  if (found) return found;
  return typeof all[0] === 'number' && all.length > 1 ? walk(raw, all.slice(1)) : null;
}
