import {describe, expect, it, vi} from 'vitest';

import {Board, kEventsMax, kNotesMax, kPanelsMax, kProgressMax, kQuarantineMax, kUnseenMs, kUnseenPerFrame, type Painter} from './board';
import type {Panel} from './contract';
import {kPointsMax, kRowsMax, kSeriesMax} from './panel-data';

function bench() {
  const frames: (() => void)[] = [];
  let time = 0;
  const board = new Board((callback) => frames.push(callback), () => time);
  return {
    board,
    frame: () => frames.splice(0).forEach((callback) => callback()),
    frames,
    wait: (ms: number) => { time += ms; },
    say: (event: string, data: unknown) => board.apply({event, id: '1', data: JSON.stringify(data)}),
  };
}

const panel = (id: string, kind: Panel['kind'] = 'timeseries'): Panel => ({id, kind, metric: 'm', title: '', over_ms: 100});
const point = (s: number, v: string, state = 'final') => ({s, e: s + 10, v, state});
const message = (id: string, data: unknown, epoch = 5) => ({panel: id, epoch, as_of: 1000, watermark: 900, data});

function values(board: Board, id = 'a'): string[] {
  const data = board.panel(id)?.data;
  return data?.kind === 'timeseries' ? data.series.flatMap((one) => one.points.map((p) => `${one.key.join()}@${p.s}=${p.v} ${p.state}`)) : [];
}

describe('the board', () => {
  it('lets_a_patch_replace_add_and_remove_points_by_start', () => {
    const {board, say} = bench();
    board.show([panel('a')]);
    say('snapshot', message('a', {start: 0, end: 40, series: [{key: ['x'], points: [point(0, '1'), point(10, '2'), point(30, '4', 'filling')]}]}));
    say('patch', message('a', {start: 0, end: 40, series: [{key: ['x'], points: [point(20, '3'), point(10, '20', 'revised'), {...point(0, '1'), removed: true}]}]}));
    expect(values(board)).toEqual(['x@10=20 revised', 'x@20=3 final', 'x@30=4 filling']);
  });
  it('forgets_what_left_the_window_on_the_left', () => {
    const {board, say} = bench();
    board.show([panel('a')]);
    say('snapshot', message('a', {start: 0, end: 20, series: [{key: ['x'], points: [point(0, '1'), point(10, '2')]}]}));
    say('patch', message('a', {start: 10, end: 30, series: [{key: ['x'], points: [point(20, '3')]}]}));
    expect(values(board)).toEqual(['x@10=2 final', 'x@20=3 final']);
  });
  it('adds_and_removes_series_and_keeps_the_others_order', () => {
    const {board, say} = bench();
    board.show([panel('a')]);
    say('snapshot', message('a', {start: 0, end: 20, series: [{key: ['x'], points: [point(0, '1')]}, {key: [null], points: [point(0, '2')]}]}));
    say('patch', message('a', {start: 0, end: 20, series: [{key: ['y'], points: [point(0, '9')]}, {key: ['x'], points: [], removed: true}]}));
    expect(values(board)).toEqual(['@0=2 final', 'y@0=9 final']);
  });
  it('starts_over_with_a_snapshot', () => {
    const {board, say} = bench();
    board.show([panel('a')]);
    say('snapshot', message('a', {start: 0, end: 20, series: [{key: ['x'], points: [point(0, '1')]}]}));
    say('snapshot', message('a', {start: 0, end: 20, series: [{key: ['z'], points: [point(10, '5')]}]}, 6));
    expect(values(board)).toEqual(['z@10=5 final']);
    expect(board.panel('a')?.epoch).toBe(6);
  });
  it('knows_that_a_panel_without_data_was_answered', () => {
    const {board, say} = bench();
    board.show([panel('a', 'stat')]);
    expect(board.panel('a')?.answered).toBe(false);
    say('snapshot', message('a', null));
    expect(board.panel('a')).toMatchObject({answered: true, data: null});
  });
  it('keeps_a_number_while_a_program_that_started_anew_has_none_yet', () => {
    const {board, say} = bench();
    board.show([panel('a', 'stat')]);
    say('snapshot', message('a', {value: '412', state: 'final', start: 0, end: 9, computed_at: 7, took_ms: 1}, 6));
    say('snapshot', message('a', null, 8));
    expect(board.panel('a')).toMatchObject({data: {stat: {value: '412'}}, epoch: 6});
    board.show([{...panel('a', 'stat'), over_ms: 77}]);
    expect(board.panel('a')).toMatchObject({answered: false, data: null});
  });
  it('replaces_and_removes_table_rows_by_key', () => {
    const {board, say} = bench();
    board.show([panel('a', 'table')]);
    const row = (key: string, cell: string) => ({key: [key], cells: [key, cell], state: 'final'});
    say('snapshot', message('a', {start: 0, end: 9, rows: [row('x', '1'), row('y', '2')], more: 3, computed_at: 7}));
    say('patch', message('a', {start: 0, end: 9, rows: [row('y', '5'), {...row('x', '1'), removed: true}]}));
    const data = board.panel('a')?.data;
    expect(data?.kind === 'table' && [...data.rows.values()].map((one) => one.cells.join())).toEqual(['y,5']);
    expect(data?.kind === 'table' && data.more).toBe(3);
  });
  it('ignores_panels_that_are_not_shown_and_events_it_does_not_know', () => {
    const {board, say} = bench();
    board.show([panel('a')]);
    say('snapshot', message('gone', {start: 0, end: 1, series: []}));
    say('something_new', {x: 1});
    expect(board.panel('gone')).toBeNull();
  });

  it('paints_once_per_frame_however_many_messages_came', () => {
    const {board, say, frame, frames} = bench();
    let painted = 0;
    board.add({topics: ['ledger', 'watermark'], visible: true, paint: () => { painted++; }});
    for (let n = 0; n < 50; n++) say('ledger', {received: n});
    say('watermark', {as_of: 1});
    expect(frames.length).toBe(1);
    frame();
    expect(painted).toBe(1);
  });
  it('paints_what_is_out_of_sight_seldom_and_catches_up_when_it_is_seen', () => {
    const {board, say, frame, wait} = bench();
    let painted = 0;
    const painter: Painter = {topics: ['ledger'], visible: false, paint: () => { painted++; }};
    board.add(painter);
    const tell = () => { say('ledger', {received: 1}); frame(); };
    tell();
    expect(painted).toBe(1);
    tell();
    expect(painted).toBe(1);
    board.see(painter, true);
    expect(painted).toBe(2);
    board.see(painter, false);
    wait(kUnseenMs);
    tell();
    expect(painted).toBe(3);
  });
  it('paints_only_so_much_out_of_sight_in_one_frame', () => {
    const {board, say, frame, wait} = bench();
    let painted = 0;
    for (let n = 0; n < 3 * kUnseenPerFrame; n++) board.add({topics: ['ledger'], visible: false, paint: () => { painted++; }});
    const tell = () => { say('ledger', {received: 1}); frame(); };
    tell();
    expect(painted).toBe(3 * kUnseenPerFrame);  // the first time, all: there is something to read everywhere
    wait(kUnseenMs);
    for (const times of [4, 5, 6]) {
      tell();
      expect(painted).toBe(times * kUnseenPerFrame);
    }
    tell();
    expect(painted).toBe(6 * kUnseenPerFrame);
  });
  it('goes_on_with_the_others_when_one_painter_breaks', () => {
    const {board, say, frame} = bench();
    const reported: unknown[] = [];
    vi.stubGlobal('reportError', (error: unknown) => reported.push(error));
    let painted = 0;
    board.add({topics: ['ledger'], visible: true, paint: () => { throw new Error('broken'); }});
    board.add({topics: ['ledger'], visible: true, paint: () => { painted++; }});
    say('ledger', {received: 1});
    frame();
    expect(painted).toBe(1);
    expect(String(reported[0])).toContain('broken');
    vi.unstubAllGlobals();
  });
  it('does_not_paint_what_was_taken_off_the_page', () => {
    const {board, say, frame} = bench();
    let painted = 0;
    const remove = board.add({topics: ['ledger'], visible: true, paint: () => { painted++; }});
    say('ledger', {received: 1});
    remove();
    frame();
    expect(painted).toBe(0);
  });

  it('paints_what_is_out_of_sight_also_when_nothing_more_comes', () => {
    vi.useFakeTimers();
    try {
      const {board, say, frame, wait} = bench();
      let painted = 0;
      board.add({topics: ['ledger'], visible: false, paint: () => { painted++; }});
      say('ledger', {received: 1});
      frame();
      expect(painted).toBe(1);
      say('ledger', {received: 2});
      frame();
      expect(painted).toBe(1);
      wait(kUnseenMs);
      vi.advanceTimersByTime(kUnseenMs);
      frame();
      expect(painted).toBe(2);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('counts_rejects_that_the_stream_brings_and_asks_again_when_it_left_some_out', () => {
    const {board, say} = bench();
    board.quarantineLoaded({total: 1, reasons: [{reason: 'json_invalid', count: 1, meaning: 'not JSON'}], rows: []});
    const row = (place: string, reason = 'json_invalid') => ({source: 's', received_at: 5, reason, path: '$', raw: '{', dialect: 'native', place});
    say('quarantine', {rows: [row('0:1'), row('0:2')], more: 0});
    say('quarantine', {rows: [row('0:2')], more: 0});
    expect(board.quarantine).toMatchObject({total: 3, stale: false, reasons: [{reason: 'json_invalid', count: 3}]});
    say('quarantine', {rows: [], more: 7});
    expect(board.quarantine).toMatchObject({total: 10, stale: true});
  });
  it('takes_progress_away_when_a_metric_is_finished', () => {
    const {board, say} = bench();
    say('progress', {metric: 'm', done: 1, total: 5});
    expect(board.progress.size).toBe(1);
    say('progress', {metric: 'm', done: 5, total: 5, finished: true});
    expect(board.progress.size).toBe(0);
  });

  it('keeps_every_list_within_its_bound', () => {
    const {board, say} = bench();
    board.show(Array.from({length: kPanelsMax + 5}, (_, n) => panel(`p${n}`)));
    expect(board.panel(`p${kPanelsMax - 1}`)).not.toBeNull();
    expect(board.panel(`p${kPanelsMax}`)).toBeNull();

    const points = Array.from({length: kPointsMax + 3}, (_, n) => point(n * 10, '1'));
    const series = Array.from({length: kSeriesMax + 2}, (_, n) => ({key: [`s${n}`], points: n === 0 ? points : [point(0, '1')]}));
    say('snapshot', message('p0', {start: -10, end: 10, series}));
    const data = board.panel('p0')?.data;
    expect(data?.kind === 'timeseries' && data.series.length).toBe(kSeriesMax);
    expect(data?.kind === 'timeseries' && data.series[0]!.points.length).toBe(kPointsMax);
    expect(data?.kind === 'timeseries' && data.series[0]!.points[0]!.s).toBe(30);

    board.show([panel('t', 'table')]);
    say('snapshot', message('t', {start: 0, end: 1, rows: Array.from({length: kRowsMax + 1}, (_, n) => ({key: [String(n)], cells: [], state: 'final'}))}));
    const table = board.panel('t')?.data;
    expect(table?.kind === 'table' && table.rows.size).toBe(kRowsMax);

    const event = (n: number) => ({time: n, received_at: n, event: 'e', source: 's', user_key: 'u', message_id: `${n}`, place: `0:${n}`, verdict: 'stored'});
    for (let n = 0; n < kEventsMax + 10; n++) say('events', {rows: [event(n)], more: 1});
    expect(board.events.length).toBe(kEventsMax);
    expect(board.events[0]!.place).toBe(`0:${kEventsMax + 9}`);
    const before = board.events.map((one) => one.place);
    say('events', {rows: [event(kEventsMax + 9), event(kEventsMax + 8)], more: 0});  // a stream's beginning tells them again
    expect(board.events.map((one) => one.place)).toEqual(before);
    expect(board.moreEvents).toBe(kEventsMax + 10);

    for (let n = 0; n < kQuarantineMax + 10; n++) say('quarantine', {rows: [{source: 's', received_at: n, reason: 'r', path: '$', raw: '', dialect: 'native', place: `0:${n}`}], more: 0});
    expect(board.quarantine.rows.length).toBe(kQuarantineMax);

    for (let n = 0; n < kProgressMax + 3; n++) say('progress', {metric: `m${n}`, done: 0, total: 2});
    expect(board.progress.size).toBe(kProgressMax);

    say('notes', {notes: Array.from({length: kNotesMax + 1}, (_, n) => `note ${n}`)});
    expect(board.notes.length).toBe(kNotesMax);
  });
});
