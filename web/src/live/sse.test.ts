import {describe, expect, it} from 'vitest';

import {kMessageMax, SseReader, type Message} from './sse';

const bytes = (text: string) => new TextEncoder().encode(text);

function read(parts: Uint8Array[]): Message[] {
  const found: Message[] = [];
  const reader = new SseReader((message) => found.push(message));
  for (const part of parts) reader.push(part);
  return found;
}

describe('server-sent events', () => {
  it('are_the_same_whatever_the_cuts', () => {
    const whole = bytes('event: patch\nid: 7\ndata: {"name":"é"}\n\n: beat\n\nevent: ledger\r\ndata: {}\r\n\r\n');
    const expected = [{event: 'patch', id: '7', data: '{"name":"é"}'}, {event: 'ledger', id: '7', data: '{}'}];
    expect(read([whole])).toEqual(expected);
    for (let cut = 1; cut < whole.length; cut++) expect(read([whole.slice(0, cut), whole.slice(cut)])).toEqual(expected);
  });
  it('without_their_empty_line_are_not_delivered', () => {
    expect(read([bytes('event: patch\ndata: {}\n')])).toEqual([]);
  });
  it('join_several_lines_of_data', () => {
    expect(read([bytes('data: a\ndata: b\n\n')])).toEqual([{event: 'message', id: null, data: 'a\nb'}]);
  });
  it('larger_than_the_cap_are_an_error', () => {
    const reader = new SseReader(() => {});
    const piece = bytes('x'.repeat(1024 * 1024));
    reader.push(bytes('data: '));
    expect(() => { for (let sent = 0; sent <= kMessageMax; sent += piece.length) reader.push(piece); }).toThrow('too large');
  });
});
