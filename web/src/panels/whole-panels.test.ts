import {describe, expect, it} from 'vitest';

import {panelCsv} from '../csv';
import {Board} from '../live/board';
import type {Cohort, FunnelStep, Panel, State, StoredEvent} from '../live/contract';
import {byDay, joined} from '../pages/person';
import {parseDropped, parseSession} from './beside';
import {lines, propertyWords} from './event-rows';
import {chosenGroup, droppedText, stepRows} from './funnel';
import {standingOf} from './meta';
import {average, periodOf} from './retention';

const kDay = 86_400_000;
const step = (name: string, people: string, median: string | null = null): FunnelStep => ({name, people, median_ms: median});
const funnel: Panel = {id: 'a.0.0', kind: 'funnel', metric: 'f', by: ['repo'], title: '', over_ms: 1};

describe('a funnel', () => {
  it('says_both_conversions_and_who_dropped', () => {
    expect(stepRows([step('wrote', '30'), step('sent_in', '12', '900'), step('landed', '9')])).toEqual([
      {name: 'wrote', people: '30', ofFirst: '100 %', ofBefore: '100 %', dropped: '0', median: null},
      {name: 'sent in', people: '12', ofFirst: '40 %', ofBefore: '40 %', dropped: '18', median: '900'},
      {name: 'landed', people: '9', ofFirst: '30 %', ofBefore: '75 %', dropped: '3', median: null},
    ]);
    expect(stepRows([step('a', '0'), step('b', '0')])[1]).toMatchObject({ofFirst: '–', ofBefore: '–', dropped: '0'});
  });
  it('shows_the_group_of_the_url_or_the_first', () => {
    const groups = [['fmt'], [null], ['a:b']].map((key) => ({key: key as [string | null], steps: []}));
    expect(chosenGroup('a.0.0:[null]', funnel, groups)).toBe(groups[1]);
    expect(chosenGroup('a.0.0:["gone"]', funnel, groups)).toBe(groups[0]);
    expect(chosenGroup('b.0.0:[null]', funnel, groups)).toBe(groups[0]);
    expect(chosenGroup(null, funnel, [])).toBeNull();
    expect(parseDropped(droppedText('a.0.0', 2, groups[2]!))).toEqual({panel: 'a.0.0', step: 2, key: ['a:b']});
  });
  it('takes_nothing_from_a_broken_url', () => {
    for (const text of [null, '', 'a.0.0', 'a.0.0:x:[]', 'a.0.0:2:[1]', 'a.0.0:2:{}', 'a.0.0:2:[']) expect(parseDropped(text)).toBeNull();
    expect(parseSession('a.0.0:abc:d')).toEqual({panel: 'a.0.0', id: 'abc:d'});
    expect(parseSession('abc')).toBeNull();
  });
});

const cohort = (s: number, cells: ([string, State] | null)[]): Cohort => ({s, e: s + 7, cells: cells.map((cell) => cell && {people: cell[0], state: cell[1]})});

describe('retention', () => {
  const cohorts = [
    cohort(0, [['10', 'final'], ['5', 'final'], ['2', 'revised']]), cohort(7, [['30', 'final'], ['9', 'final'], ['1', 'filling']]), cohort(14, [['8', 'filling'], ['0', 'filling'], null])];
  it('averages_over_people_of_cohorts_whose_time_is_over', () => {
    expect(average(cohorts, 1)).toEqual({people: '14', of: '40'});
    expect(average(cohorts, 2)).toEqual({people: '2', of: '10'});
    expect(average(cohorts, 3)).toBeNull();
    expect(periodOf(cohorts[1]!, 2)).toEqual({s: 21, e: 28});
  });
  it('counts_the_states_of_periods_that_have_begun', () => {
    const data = {kind: 'retention' as const, retention: {start: 0, end: 21, periods: 3, cohorts}};
    expect(standingOf(data)).toEqual({start: 0, end: 21, state: 'filling', words: '1 cell filling, 1 cell revised'});
  });
});

describe('CSV of panels that come whole', () => {
  const csv = (panel: Panel, data: unknown) => {
    const board = new Board(() => {});
    board.show([panel]);
    board.apply({event: 'snapshot', id: '1', data: JSON.stringify({panel: panel.id, epoch: 1, as_of: 0, watermark: null, data})});
    return panelCsv(panel, null, board.panel(panel.id)!).trimEnd().split('\n');
  };
  const at = '1970-01-01T00:00:00.000Z';
  const next = '1970-01-02T00:00:00.000Z';
  it('has_a_line_per_step_cell_row_and_session_with_its_state', () => {
    const window = {start: 0, end: kDay, state: 'final'};
    expect(csv(funnel, {...window, groups: [{key: ['fmt'], steps: [step('a', '2'), step('b', '1', '70')]}]})).toEqual([
      'start,end,repo,step,step_name,people,median_ms,state,as_of', `${at},${next},fmt,1,a,2,,final,${at}`, `${at},${next},fmt,2,b,1,70,final,${at}`]);
    expect(csv({...funnel, kind: 'retention'}, {start: 0, end: kDay, periods: 2, cohorts: [{s: 0, e: kDay, cells: [{people: '3', state: 'final'}, {people: '1', state: 'filling'}]}]})).toEqual([
      'cohort_start,cohort_end,period,people,state,as_of', `${at},${next},0,3,final,${at}`, `${at},${next},1,1,filling,${at}`]);
    expect(csv({...funnel, kind: 'top', measure: 'n_people'}, {...window, rows: [{key: [null], value: '4'}]})).toEqual([
      'start,end,repo,n people,state,as_of', `${at},${next},,4,final,${at}`]);
    expect(csv({...funnel, kind: 'band'}, {start: 0, end: kDay, series: [{key: ['p50'], points: [{s: 0, e: kDay, v: '1.5', state: 'filling'}]}]})).toEqual([
      'start,end,measure,value,state,as_of', `${at},${next},p50,1.5,filling,${at}`]);
    const session = {session_id: 's1', source: 'site', key: 'k', user_key: 'u', started_at: 0, ended_at: kDay, events: '2', duration_ms: '5', state: 'revised'};
    expect(csv({...funnel, kind: 'sessions'}, {start: 0, end: kDay, rows: [session]})[1]).toBe(`s1,site,k,u,${at},${next},2,5,revised,${at}`);
  });
});

describe('events one after the other', () => {
  const event = (time: number, id: string): StoredEvent => ({time, received_at: time, event: 'e', source: 's', user_key: 'u', message_id: id, place: `0:${id}`, properties: '{}'});
  it('are_joined_newest_first_and_each_once', () => {
    const rows = joined([event(5, 'c'), event(3, 'b')], [event(3, 'b'), event(1, 'a')]);
    expect(rows.map((row) => row.message_id)).toEqual(['c', 'b', 'a']);
    expect(joined([], Array.from({length: 2_500}, (_, at) => event(at, String(at)))).length).toBe(2_000);
  });
  it('are_parted_by_day', () => {
    expect(byDay([event(kDay + 1, 'c'), event(kDay, 'b'), event(kDay - 1, 'a')]).map((one) => [one.day, one.rows.length])).toEqual([[kDay, 2], [0, 1]]);
  });
  it('say_their_properties_in_a_line_or_in_lines_with_every_digit', () => {
    expect(propertyWords('{"page":"/","n":1.50,"x":null,"list":[1,2],"more":true}')).toBe('page / · n 1.5 · x null · list [1,2] · 1 more');
    expect(propertyWords('{broken')).toBe('{broken');
    expect(propertyWords('7')).toBe('');
    expect(lines('{"n":1.50000000000000000001,"a":["x,{y}",{}], "e":{}}')).toBe('{\n  "n": 1.50000000000000000001,\n  "a": [\n    "x,{y}",\n    {}\n  ],\n  "e": {}\n}');
  });
});
