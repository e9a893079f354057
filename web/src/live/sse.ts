// Server-sent events out of a byte stream, whatever its cuts.
//
// Bounds: an unfinished message larger than kMessageMax is an error, so that a broken server cannot fill the tab's memory.

export interface Message {
  event: string;
  id: string | null;
  data: string;
}

export const kMessageMax = 32 * 1024 * 1024;

export class SseReader {
  private rest: string[] = [];  // a line that has not ended, in pieces: joined once
  private restSize = 0;
  private event = '';
  private id: string | null = null;
  private data: string[] = [];
  private size = 0;
  private decoder = new TextDecoder();

  constructor(private readonly onMessage: (message: Message) => void) {}

  push(bytes: Uint8Array): void {
    const lines = this.decoder.decode(bytes, {stream: true}).split('\n');
    const last = lines.pop()!;
    for (const line of lines) {
      const whole = this.rest.join('') + line;
      this.rest = [];
      this.restSize = 0;
      this.line(whole.endsWith('\r') ? whole.slice(0, -1) : whole);
    }
    this.rest.push(last);
    this.restSize += last.length;
    if (this.size + this.restSize > kMessageMax) throw new Error('a message of the live stream is too large');
  }

  private line(line: string): void {
    if (line === '') {
      if (this.data.length > 0) this.onMessage({event: this.event || 'message', id: this.id, data: this.data.join('\n')});
      this.event = '';
      this.data = [];
      this.size = 0;
      return;
    }
    if (line.startsWith(':')) return;  // a heartbeat
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const raw = colon < 0 ? '' : line.slice(colon + 1);
    const value = raw.startsWith(' ') ? raw.slice(1) : raw;
    if (field === 'event') this.event = value;
    if (field === 'id') this.id = value;
    if (field === 'data') {
      this.data.push(value);
      this.size += value.length;
    }
  }
}
