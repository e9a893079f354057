import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest';

import {Asker, kAtOnce, kCostTimes, kLeast, type Wish} from './asker';
import {Board} from './board';
import type {Panel, PanelAnswer} from './contract';

interface Asked {
  panel: string;
  query: string;
  signal: AbortSignal;
  answer: (value: string, start?: number, end?: number) => Promise<void>;
  fail: () => Promise<void>;
}

let time = 0;
beforeEach(() => {
  vi.useFakeTimers();
  time = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

const settle = async (): Promise<void> => { await vi.advanceTimersByTimeAsync(0); };

function bench() {
  const frames: (() => void)[] = [];
  const board = new Board((callback) => frames.push(callback), () => time);
  const asked: Asked[] = [];
  const asker = new Asker(board, (panel, query, signal) => new Promise<PanelAnswer>((resolve, reject) => {
    asked.push({
      panel, query: query.toString(), signal,
      answer: (value, start = 100, end = 200) => {
        resolve({panel, epoch: 7, as_of: 1, watermark: 1, unfiltered: [], data: {value, state: 'final', start, end, computed_at: 0, took_ms: 1}});
        return settle();
      },
      fail: () => { reject(new Error('no')); return settle(); },
    });
  }), (error) => ({code: 'x', message: (error as Error).message, next: ''}), () => time);
  const frame = () => frames.splice(0).forEach((callback) => callback());
  const live = (id: string, epoch: number, value = '1') => {
    const data = {value, state: 'final', start: 150, end: 200, computed_at: 0, took_ms: 1};
    board.apply({event: 'snapshot', id: '', data: JSON.stringify({panel: id, epoch, as_of: 0, watermark: 0, data})});
    frame();
  };
  return {board, asked, asker, frame, live, value: (id: string) => { const data = board.panel(id)?.data; return data?.kind === 'stat' ? data.stat.value : null; }};
}

const stat = (id: string): Panel => ({id, kind: 'stat', metric: 'm', title: '', over_ms: 50});
const wish = (panel: string, more: Partial<Wish> = {}) => ({
  panel, over: 50, where: [], window: {over: 100, until: null}, enough: () => false, compare: false,
  shown: (data: unknown) => (data as {stat: {start: number; end: number}}).stat, ...more,
});
async function wait(ms: number): Promise<void> {
  time += ms;
  await vi.advanceTimersByTimeAsync(ms);
}

describe('a panel asked for another range', () => {
  it('shows_what_it_showed_until_the_answer_and_then_the_answer', async () => {
    const {board, asked, asker, live, value} = bench();
    board.show([stat('a')]);
    asker.want([wish('a', {where: [['repo', null]]})]);
    expect(asked).toEqual([]);  // first what it is as defined
    live('a', 1);
    expect(asked.map((one) => one.query)).toEqual(['over=100&where=%5B%5B%22repo%22%2Cnull%5D%5D']);
    expect([value('a'), board.view('a', 'current')!.waiting]).toEqual(['1', true]);
    await asked[0]!.answer('9');
    expect([value('a'), board.view('a', 'current')!.waiting, board.panel('a')!.epoch]).toEqual(['9', false, 7]);
    live('a', 2, '2');
    expect(value('a')).toBe('9');
    asker.want([wish('a', {window: null})]);
    expect(value('a')).toBe('2');
  });
  it('is_asked_again_when_it_moved_no_oftener_than_its_cost_allows', async () => {
    const {board, asked, asker, live, frame} = bench();
    board.show([stat('a')]);
    asker.want([wish('a')]);
    live('a', 1);
    time += 1_000;  // a costly question
    await asked[0]!.answer('9');
    frame();
    await wait(60_000);
    expect(asked.length).toBe(1);  // nothing moved
    live('a', 2);
    live('a', 3);
    await wait(0);
    expect(asked.length).toBe(2);
    await asked[1]!.answer('10');
    live('a', 4);
    await wait(kLeast.current - 1);
    expect(asked.length).toBe(2);
    await wait(1);
    expect(asked.length).toBe(3);
    time += 1_000;
    await asked[2]!.answer('11');
    live('a', 5);
    await wait(kLeast.current);
    expect(asked.length).toBe(3);
    await wait(kCostTimes * 1_000);
    expect(asked.length).toBe(4);
  });
  it('keeps_its_numbers_and_says_why_when_it_is_refused_and_asks_again', async () => {
    const {board, asked, asker, live, value} = bench();
    board.show([stat('a')]);
    asker.want([wish('a')]);
    live('a', 1);
    await asked[0]!.fail();
    expect([value('a'), board.view('a', 'current')!.failure!.message]).toEqual(['1', 'no']);
    await wait(kLeast.current);
    await asked[1]!.answer('9');
    expect([value('a'), board.view('a', 'current')!.failure]).toEqual(['9', null]);
  });
  it('is_not_asked_for_what_the_live_numbers_hold', () => {
    const {board, asked, asker, live} = bench();
    board.show([stat('a')]);
    asker.want([wish('a', {enough: () => true})]);
    live('a', 1);
    expect(asked).toEqual([]);
    expect(board.view('a', 'current')).toBeNull();
  });
  it('gives_an_old_question_up_for_a_new_one', async () => {
    const {board, asked, asker, live, value} = bench();
    board.show([stat('a')]);
    asker.want([wish('a')]);
    live('a', 1);
    asker.want([wish('a', {window: {over: 10, until: 40}})]);
    expect(asked[0]!.signal.aborted).toBe(true);
    expect(asked[1]!.query).toBe('over=10&until=40');
    await asked[0]!.answer('old');
    expect(value('a')).toBe('1');
    await asked[1]!.answer('new');
    expect(value('a')).toBe('new');
  });
  it('waits_in_line_behind_as_many_as_are_asked_at_once', async () => {
    const {board, asked, asker, live} = bench();
    const ids = Array.from({length: kAtOnce + 2}, (_, at) => `p${at}`);
    board.show(ids.map(stat));
    asker.want(ids.map((id) => wish(id)));
    for (const id of ids) live(id, 1);
    expect(asked.length).toBe(kAtOnce);
    await asked[0]!.answer('1');
    expect(asked.map((one) => one.panel)).toEqual(ids.slice(0, kAtOnce + 1));
    asker.stop();
    expect(asked.every((one, at) => at === 0 || one.signal.aborted)).toBe(true);
  });
});

describe('the period before', () => {
  it('ends_where_what_is_shown_starts', async () => {
    const {board, asked, asker, live, frame} = bench();
    board.show([stat('a')]);
    asker.want([wish('a', {window: null, compare: true})]);
    live('a', 1);
    expect(asked[0]!.query).toBe('over=50&until=150');
    await asked[0]!.answer('5', 100, 150);
    const before = board.view('a', 'previous')!.state!.data;
    expect(before?.kind === 'stat' && before.stat.value).toBe('5');
    expect(board.view('a', 'current')).toBeNull();
    asker.want([wish('a', {compare: true})]);
    expect(asked[1]!.query).toBe('over=100');
    await asked[1]!.answer('9', 1_100, 1_200);  // only then is it known where that starts
    frame();
    expect(asked[2]!.query).toBe('over=100&until=1100');
    asker.want([wish('a')]);
    expect(board.view('a', 'previous')).toBeNull();
    expect(asked[2]!.signal.aborted).toBe(true);
  });
});
