// How many came how far: an ordered list of steps with bars, and, with a breakdown, a row per group. A click on those who dropped lists
// them.

import {change, fraction, grouped, percent} from '../decimal';
import {range, span} from '../dates';
import {setQuery, nothingBeside, toggledFilters, useRoute, listed} from '../route';
import type {FunnelGroup, FunnelStep, Panel} from '../live/contract';
import {useTheBoard} from '../live/paint';
import {keyId, keyText} from '../live/panel-data';
import {columnLabel} from '../words';
import {looks, type Look} from '../chart/look';
import {PanelFrame, useWhole} from './panel-frame';
import {Sample} from './swatch';

const kRowHeight = 48;

export interface StepRow {
  name: string;
  people: string;
  ofFirst: string;    // "40 %"
  ofBefore: string;
  dropped: string;    // reached the step before and not this one
  median: string | null;
}

export function stepRows(steps: FunnelStep[]): StepRow[] {
  return steps.map((step, at) => {
    const before = steps[at - 1]?.people ?? step.people;
    return {
      name: step.name.replaceAll('_', ' '), people: step.people, ofFirst: percent(step.people, steps[0]!.people), ofBefore: percent(step.people, before),
      dropped: String(BigInt(before) - BigInt(step.people)), median: step.median_ms,
    };
  });
}

// group=<panel>:<key>
export function chosenGroup(text: string | null, panel: Panel, groups: FunnelGroup[]): FunnelGroup | null {
  return groups.find((group) => text === `${panel.id}:${keyId(group.key)}`) ?? groups[0] ?? null;
}

export function droppedText(panel: string, step: number, group: FunnelGroup): string {
  return `${panel}:${step}:${keyId(group.key)}`;
}

const medianWords = (ms: string | null) => (ms === null ? '–' : span(Number(ms)));

function summaryOf(title: string, group: FunnelGroup, rows: StepRow[]): string {
  const who = group.key.length > 0 ? `${keyText(group.key)}: ` : '';
  const parts = rows.map((row, at) => `${grouped(row.people)} ${row.name}${at === 0 ? '' : ` (${row.ofBefore} of the step before)`}`);
  return `${title}. ${who}${parts.join(', ')}; ${rows.at(-1)?.ofFirst ?? ''} all the way.`;
}

function Steps({panel, group, before, colour, filling}: {
  panel: Panel; group: FunnelGroup; before: FunnelGroup | null; colour: Look; filling: boolean;
}) {
  const {query} = useRoute();
  const rows = stepRows(group.steps);
  const then = before ? stepRows(before.steps) : null;
  const first = rows[0]?.people ?? '0';
  const open = query.get('dropped');
  return (
    <>
      <div className="step step-head" aria-hidden="true">
        <span>step</span><span /><span className="figure">people</span><span className="figure">of first</span>
        <span className="figure">of step before</span><span className="figure">dropped</span><span className="figure">median time</span>
      </div>
      <ol className={`steps series-${colour.colour}`}>
        {rows.map((row, at) => {
          const text = droppedText(panel.id, at + 1, group);
          const reached = fraction(row.people, first);
          const lost = at === 0 ? 0 : fraction(rows[at - 1]!.people, first) - reached;
          const was = then?.[at];
          return (
            <li
              key={row.name} className="step" data-step={at + 1} data-name={group.steps[at]!.name} data-people={row.people}
              data-dropped={row.dropped} data-median={row.median ?? undefined} data-before={was?.people}
            >
              <span className="step-name">{at + 1}. {row.name}</span>
              <span className={filling ? 'step-track filling' : 'step-track'} aria-hidden="true">
                <span className="step-bar" style={{width: `${reached * 100}%`}} />
                <span className="step-lost" style={{width: `${lost * 100}%`}} />
                {was && <span className="step-was" style={{left: `${fraction(was.people, first) * 100}%`}} title={`period before: ${grouped(was.people)}`} />}
              </span>
              <span className="step-people figure">
                <strong>{grouped(row.people)}</strong>
                {was && <span className="was">{change(row.people, was.people) || '–'}</span>}
              </span>
              <span className="step-first figure">
                {at === 0 ? '' : <>{row.ofFirst}<span className="step-unit"> of first</span></>}
                {was && at > 0 && <span className="was">was {was.ofFirst}</span>}
              </span>
              <span className="step-before figure">{at === 0 ? '' : <>{row.ofBefore}<span className="step-unit"> of step before</span></>}</span>
              <span className="figure">
                {at > 0 && row.dropped !== '0' && (
                  <button
                    type="button" className="quiet dropped" aria-expanded={open === text} data-list={text}
                    aria-label={`${grouped(row.dropped)} dropped before ${row.name}: list them`}
                    onClick={() => setQuery({...nothingBeside, dropped: open === text ? null : text})}
                  >
                    {grouped(row.dropped)} <span className="step-unit">dropped</span>
                  </button>
                )}
                {at > 0 && row.dropped === '0' && '0'}
              </span>
              <span className="step-median figure" title={row.median === null ? undefined : `${grouped(row.median)} ms from the first step, half of the people`}>
                {at === 0 ? '' : <>{medianWords(row.median)}<span className="step-unit"> median</span><span className="visually-hidden"> from the first step</span></>}
              </span>
            </li>
          );
        })}
      </ol>
    </>
  );
}

function Groups({panel, groups, chosen, label}: {panel: Panel; groups: FunnelGroup[]; chosen: FunnelGroup; label: string}) {
  const {query} = useRoute();
  const by = panel.by ?? [];
  const steps = groups[0]?.steps ?? [];
  return (
    <div className="scroll groups" role="region" aria-label={`by ${label}`} tabIndex={0}>
      <table className="figures">
        <thead>
          <tr>
            <th scope="col">{label}</th>
            {steps.map((step) => <th key={step.name} scope="col" className="figure">{step.name.replaceAll('_', ' ')}</th>)}
            <th scope="col" className="figure">all the way</th>
            <th scope="col"><span className="visually-hidden">filter</span></th>
          </tr>
        </thead>
        <tbody>
          {groups.map((group) => {
            const rows = stepRows(group.steps);
            const filters = by.map((dimension, at) => ({dimension, value: group.key[at] ?? null}));
            return (
              <tr key={keyId(group.key)} data-group={keyId(group.key)} data-state={group.state} aria-current={group === chosen || undefined}>
                <th scope="row">
                  <button
                    type="button" className="name" title="show the steps of this"
                    onClick={() => setQuery({group: `${panel.id}:${keyId(group.key)}`, dropped: null})}
                  >
                    <Sample look={looks.of(by, group.key)} />{keyText(group.key)}
                    {group.state && group.state !== 'final' && <span className="visually-hidden">, {group.state}</span>}
                  </button>
                </th>
                {rows.map((row, at) => (
                  <td key={row.name} data-step={at + 1} data-people={row.people}>
                    {grouped(row.people)}{at > 0 && <span className="was">{row.ofBefore}</span>}
                  </td>
                ))}
                <td>{rows.at(-1)?.ofFirst}</td>
                <td><button type="button" className="quiet" aria-label={`Filter by ${keyText(group.key)}`} onClick={() => setQuery(toggledFilters(query, filters))}>Filter</button></td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

// The same numbers as a plain table.
function Twin({panel, groups, title, open}: {panel: Panel; groups: FunnelGroup[]; title: string; open: boolean}) {
  return (
    <div className={open ? 'scroll twin' : 'visually-hidden'} role="region" aria-label={`${title}, as a table`} {...(open ? {tabIndex: 0} : {})}>
      <table className="figures" data-twin={panel.id}>
        <thead>
          <tr>{['step', 'people', 'of first', 'of step before', 'dropped', 'median time'].map((name) => <th key={name} scope="col">{name}</th>)}</tr>
        </thead>
        <tbody>
          {groups.flatMap((group) => stepRows(group.steps).map((row, at) => (
            <tr key={`${keyId(group.key)} ${row.name}`} data-key={keyId(group.key)} data-step={at + 1}>
              <th scope="row">{group.key.length > 0 ? `${keyText(group.key)} · ` : ''}{at + 1}. {row.name}</th>
              <td data-value={row.people}>{grouped(row.people)}</td><td>{row.ofFirst}</td><td>{row.ofBefore}</td>
              <td data-value={row.dropped}>{grouped(row.dropped)}</td><td data-value={row.median ?? undefined}>{medianWords(row.median)}</td>
            </tr>
          )))}
        </tbody>
      </table>
    </div>
  );
}

export function FunnelPanel({panel}: {panel: Panel}) {
  const board = useTheBoard();
  const {query} = useRoute();
  const whole = useWhole(panel, 'funnel');
  const {data, metric, title} = whole;
  const groups = data?.funnel.groups ?? [];
  const chosen = chosenGroup(query.get('group'), panel, groups);
  const by = panel.by ?? [];
  const broken = by.length > 0;
  const previous = whole.previous?.funnel;
  const before = previous?.groups.find((group) => chosen && keyId(group.key) === keyId(chosen.key)) ?? null;
  const label = by.map((name) => columnLabel(metric, name)).join(' · ');
  const more = data?.funnel.more ?? 0;
  const notes = [
    metric?.within_ms ? `All steps within ${span(metric.within_ms)} of the first.` : '',
    previous?.start != null && previous.end !== null ? `Period before: ${range(previous.start, previous.end, board.near())}.` : '',
    more > 0 ? `${grouped(String(more))} more groups are in SQL.` : '',
  ].filter((one) => one !== '');
  return (
    <PanelFrame
      panel={panel} whole={whole} twin empty={chosen === null || chosen.steps[0]?.people === '0'} note={notes.join(' ')}
      height={((metric?.steps?.length ?? 3) + (broken ? 4 : 0)) * kRowHeight + 20}
      summary={chosen ? summaryOf(title, chosen, stepRows(chosen.steps)) : ''}
    >
      {chosen && (
        <>
          {broken && <p className="group-name"><Sample look={looks.of(by, chosen.key)} />{label}: <strong>{keyText(chosen.key)}</strong></p>}
          <Steps panel={panel} group={chosen} before={before} colour={looks.of(by, chosen.key)} filling={(chosen.state ?? data?.funnel.state) === 'filling'} />
          {broken && <Groups panel={panel} groups={groups} chosen={chosen} label={label} />}
          <Twin panel={panel} groups={groups} title={title} open={listed(query, 'twin').includes(panel.id)} />
        </>
      )}
    </PanelFrame>
  );
}
