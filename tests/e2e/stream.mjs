// stream.mjs - one chart's live stream as the program sends it, without a browser: what each bucket was said to be, at which epoch, at
// what time by the program's own clock, and with which watermark.
//
// Bounds   Keeps what one test sees: a point per change.
// Errors   The stream's end is no error; what was said by then stays.
export class BucketStream {
  constructor(page, panel) {
    this.said = new Map();  // bucket's start: [{end, epoch, asOf, watermark, states: [state of each series]}]
    this.stop = new AbortController();
    this.now = new Map();   // bucket's start: Map(series: state)
    this.ended = this.read(new URL(`/api/live?panels=${panel}`, page)).catch(() => {});
  }

  async read(url) {
    const response = await fetch(url, { signal: this.stop.signal, headers: { accept: 'text/event-stream' } });
    let text = '';
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        this.take(text.slice(0, end));
        text = text.slice(end + 2);
      }
    }
  }

  take(message) {
    const event = /^event: (.+)$/m.exec(message)?.[1];
    if (event !== 'snapshot' && event !== 'patch') return;
    const { epoch, as_of: asOf, watermark, data } = JSON.parse(/^data: (.+)$/m.exec(message)[1]);
    const changed = new Map();
    for (const { key, points } of data?.series ?? []) {
      for (const { s, e, state, removed } of points) {
        if (removed) continue;  // it left on the left
        if (!this.now.has(s)) this.now.set(s, new Map());
        this.now.get(s).set(key.join(' '), state);
        changed.set(s, e);
      }
    }
    for (const [s, end] of changed) {
      if (!this.said.has(s)) this.said.set(s, []);
      this.said.get(s).push({ end, epoch, asOf, watermark, states: [...this.now.get(s).values()] });
    }
  }

  // What was said of a bucket: {end, filling: [...], closed: [...]}, in the order in which it was said.
  of(start) {
    const all = this.said.get(start) ?? [];
    const fills = (one) => one.states.includes('filling');
    return { end: all[0]?.end, filling: all.filter(fills), closed: all.filter((one) => !fills(one)) };
  }

  async close() {
    this.stop.abort();
    await this.ended;
  }
}
