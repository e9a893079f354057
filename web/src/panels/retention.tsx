// Who came back: a row per cohort, a column per period, shaded by share; each cell has its own state.

import type {CSSProperties} from 'react';

import {fraction, grouped, percent} from '../decimal';
import {per} from '../dates';
import {useTheBoard} from '../live/paint';
import type {Cohort, Metric, Panel, RetentionData} from '../live/contract';
import {bucketWords, finalWords, stateWords} from '../words';
import {PanelFrame, useWhole} from './panel-frame';

const kRowHeight = 45;

// When period `at` of a cohort begins and ends, as far as periods are equally long.
export function periodOf(cohort: Cohort, at: number): {s: number; e: number} {
  const length = cohort.e - cohort.s;
  return {s: cohort.s + at * length, e: cohort.e + at * length};
}

// Of the cohorts whose period is over: how many of their people came back in it.
export function average(cohorts: Cohort[], at: number): {people: string; of: string} | null {
  let people = 0n;
  let of = 0n;
  for (const {cells} of cohorts) {
    const cell = cells[at];
    if (!cell || cell.state === 'filling') continue;
    people += BigInt(cell.people);
    of += BigInt(cells[0]?.people ?? 0);
  }
  return of === 0n ? null : {people: String(people), of: String(of)};
}

function summaryOf(title: string, data: RetentionData, unit: string): string {
  const parts = Array.from({length: data.periods}, (_, at) => ({at, found: average(data.cohorts, at)}))
    .flatMap(({at, found}) => (at > 0 && found ? [`${percent(found.people, found.of)} after ${at} ${unit}${at === 1 ? '' : 's'}`] : []));
  return `${title}. ${data.cohorts.length} cohorts${parts.length > 0 ? `; of those whose time is over came back: ${parts.join(', ')}` : ''}.`;
}

const shade = (share: number) => ({'--share': share}) as CSSProperties;

function Row({cohort, periods, metric, mark, near}: {cohort: Cohort; periods: number; metric: Metric | null; mark: number | null; near: number}) {
  const size = cohort.cells[0]?.people ?? '0';
  return (
    <tr data-cohort={cohort.s} data-end={cohort.e}>
      <th scope="row">{bucketWords(cohort, near)}</th>
      <td data-size={size}>{grouped(size)}</td>
      {Array.from({length: periods}, (_, at) => {
        const cell = cohort.cells[at];
        const period = periodOf(cohort, at);
        if (!cell || period.s > near) return <td key={at} className="ahead"><span className="visually-hidden">not begun</span></td>;
        const words = cell.state === 'filling' ? finalWords(period.e, metric, mark, near) : stateWords(cell.state, period.e, metric, mark, near);
        return (
          <td
            key={at} className="cell" style={shade(fraction(cell.people, size))} data-period={at} data-people={cell.people} data-state={cell.state}
            title={`${bucketWords(period, near)}: ${grouped(cell.people)} of ${grouped(size)} · ${words}`}
          >
            {percent(cell.people, size)}
            <span className="was">{grouped(cell.people)}</span>
            {cell.state !== 'final' && <span className="visually-hidden">, {cell.state}</span>}
          </td>
        );
      })}
    </tr>
  );
}

export function RetentionPanel({panel}: {panel: Panel}) {
  const board = useTheBoard();
  const whole = useWhole(panel, 'retention');
  const {data, metric, title} = whole;
  const retention = data?.retention ?? null;
  const unit = metric ? (metric.window.unit ?? per(metric.window.step_ms)) : 'period';
  const empty = retention === null || retention.cohorts.every((cohort) => (cohort.cells[0]?.people ?? '0') === '0');
  const periods = retention?.periods ?? 0;
  const expected = metric ? Math.min(16, Math.ceil(panel.over_ms / metric.window.step_ms)) : 8;
  return (
    <PanelFrame
      panel={panel} whole={whole} empty={empty} height={(expected + 2) * kRowHeight}
      summary={retention ? summaryOf(title, retention, unit) : ''}
      note={`${unit.charAt(0).toUpperCase() + unit.slice(1)} 0 is the one of a person's first time. Hatched cells are still filling.`}
    >
      {retention && !empty && (
        <div className="scroll" role="region" aria-label={`${title}, table`} tabIndex={0}>
          <table className="figures retention">
            <thead>
              <tr>
                <th scope="col">first {unit}</th><th scope="col">people</th>
                {Array.from({length: periods}, (_, at) => <th key={at} scope="col">{at === 0 ? `${unit} 0` : at}</th>)}
              </tr>
            </thead>
            <tbody>
              {retention.cohorts.map((cohort) => (
                <Row key={cohort.s} cohort={cohort} periods={periods} metric={metric} mark={board.watermark?.watermark ?? null} near={board.near()} />
              ))}
            </tbody>
            <tfoot>
              <tr>
                <th scope="row">all, without filling</th>
                <td>{grouped(average(retention.cohorts, 0)?.of ?? '0')}</td>
                {Array.from({length: periods}, (_, at) => {
                  const found = average(retention.cohorts, at);
                  return <td key={at} data-average={at} title={found ? `${grouped(found.people)} of ${grouped(found.of)}` : undefined}>{found ? percent(found.people, found.of) : '–'}</td>;
                })}
              </tr>
            </tfoot>
          </table>
        </div>
      )}
    </PanelFrame>
  );
}
