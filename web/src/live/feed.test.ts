import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest';

import {Board} from './board';
import {Feed, kRetryMax, kSilenceMax} from './feed';

interface Stream {
  url: string;
  signal: AbortSignal;
  say: (text: string) => void;
  end: () => void;
}

let streams: Stream[] = [];
let refuse = false;

beforeEach(() => {
  vi.useFakeTimers();
  streams = [];
  refuse = false;
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    if (refuse) {
      streams.push({url, signal: init.signal!, say: () => {}, end: () => {}});
      return Promise.resolve(new Response('{"error":{"code":"full","message":"all streams are taken","next":""}}', {status: 503}));
    }
    let controller!: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({start: (given) => { controller = given; }});
    init.signal!.addEventListener('abort', () => { try { controller.error(new DOMException('', 'AbortError')); } catch { /* closed */ } });
    streams.push({
      url, signal: init.signal!,
      say: (text) => controller.enqueue(new TextEncoder().encode(text)),
      end: () => controller.close(),
    });
    return Promise.resolve(new Response(body, {status: 200}));
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const settle = () => vi.advanceTimersByTimeAsync(0);
const ledger = (n: number, id: number) => `event: ledger\nid: ${id}\ndata: {"received":${n}}\n\n`;

function feedOf() {
  const board = new Board((callback) => callback());
  const returned = vi.fn(() => Promise.resolve());
  return {board, returned, feed: new Feed(board, returned)};
}

describe('the live stream', () => {
  it('reads_into_the_board_and_says_it_is_live', async () => {
    const {board, feed} = feedOf();
    feed.watch({panels: ['a', 'b'], feeds: ['events']});
    await settle();
    expect(streams[0]!.url).toBe('/api/live?panels=a%2Cb&feeds=events');
    streams[0]!.say(ledger(3, 9));
    await settle();
    expect(board.connection).toBe('live');
    expect(board.ledger?.received).toBe(3);
    feed.stop();
  });
  it('comes_back_with_the_epoch_it_saw_last_and_asks_what_is_defined', async () => {
    const {board, feed, returned} = feedOf();
    feed.watch({panels: ['a'], feeds: []});
    await settle();
    streams[0]!.say(ledger(3, 9));
    await settle();
    streams[0]!.end();
    await settle();
    expect(board.connection).toBe('reconnecting');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(streams[1]!.url).toContain('epoch=9');
    expect(returned).toHaveBeenCalledTimes(1);
    expect(board.connection).toBe('live');
    feed.stop();
  });
  it('asks_what_is_defined_at_once_when_definitions_changed_and_never_looks_lost', async () => {
    const {board, feed, returned} = feedOf();
    feed.watch({panels: ['a'], feeds: []});
    await settle();
    streams[0]!.say(ledger(3, 9));
    const seen: string[] = [];
    board.add({topics: ['connection'], paint: () => seen.push(board.connection), visible: true});
    streams[0]!.say('event: bye\nid: 9\ndata: {"reason":"definitions"}\n\n');
    streams[0]!.end();
    await settle();
    expect(returned).toHaveBeenCalledTimes(1);
    expect(streams[1]!.url).toBe('/api/live?panels=a&feeds=');
    expect(seen).not.toContain('reconnecting');
    feed.stop();
  });
  it('asks_for_fresh_snapshots_when_other_panels_are_watched', async () => {
    const {feed} = feedOf();
    feed.watch({panels: ['a'], feeds: []});
    await settle();
    streams[0]!.say(ledger(3, 9));
    await settle();
    feed.watch({panels: ['b'], feeds: []});
    await settle();
    expect(streams[0]!.signal.aborted).toBe(true);
    expect(streams[1]!.url).toBe('/api/live?panels=b&feeds=');
    feed.stop();
  });
  it('waits_longer_between_attempts_up_to_a_bound', async () => {
    const {board, feed} = feedOf();
    refuse = true;
    feed.watch({panels: [], feeds: []});
    await vi.advanceTimersByTimeAsync(60_000);
    const early = streams.length;
    expect(early).toBeGreaterThan(9);
    expect(early).toBeLessThan(25);
    await vi.advanceTimersByTimeAsync(kRetryMax * 1.25 + 1);
    expect(streams.length).toBeGreaterThan(early);
    expect(board.refusal).toBe('all streams are taken');
    refuse = false;
    await vi.advanceTimersByTimeAsync(2 * kRetryMax);
    expect(board).toMatchObject({connection: 'live', refusal: ''});
    feed.stop();
  });
  it('gives_up_a_stream_that_went_silent', async () => {
    const {feed} = feedOf();
    feed.watch({panels: [], feeds: []});
    await settle();
    await vi.advanceTimersByTimeAsync(kSilenceMax - 1);
    expect(streams[0]!.signal.aborted).toBe(false);
    streams[0]!.say(': beat\n\n');
    await vi.advanceTimersByTimeAsync(kSilenceMax - 1);
    expect(streams[0]!.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(2);
    expect(streams[0]!.signal.aborted).toBe(true);
    feed.stop();
  });
  it('stops_for_good_when_told_and_resumes_when_told', async () => {
    const {feed} = feedOf();
    feed.watch({panels: [], feeds: []});
    await settle();
    streams[0]!.say(ledger(1, 4));
    await settle();
    feed.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(streams.length).toBe(1);
    feed.resume();
    await settle();
    expect(streams[1]!.url).toContain('epoch=4');
    feed.stop();
  });
});
