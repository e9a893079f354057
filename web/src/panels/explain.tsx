// How do you know? The definition as written, the SQL it compiles to, and on request the same number from raw events.

import {useEffect, useRef, useState} from 'react';

import {grouped} from '../decimal';
import {instant, duration, range, iso} from '../dates';
import {api, failureOf, type Which} from '../live/api';
import {parseRange} from '../range';
import type {Explanation, Failure, Panel, Verification} from '../live/contract';
import {setText, usePaint, useTheBoard} from '../live/paint';
import {keyId, keyText, windowOf, type PanelData} from '../live/panel-data';
import {bucketWords, columnLabel, panelTitle} from '../words';
import {Aside} from './aside';
import {CopyButton} from './copy-button';
import {Problem} from './problem';
import {useAsked, useMetric} from './project';

const kChoicesMax = 400;
const kCellsShown = 8;

interface Choice {
  name: string;
  which: Which;
}

interface Choices {
  keys: Choice[];     // series or rows
  windows: Choice[];  // buckets, newest first
}

// What in a panel can be computed again on its own.
function choices(data: PanelData | null, near: number, rangeText: string | null): Choices {
  if (data?.kind === 'table') {
    const rows = [...data.rows.values()].slice(0, kChoicesMax);
    return {keys: rows.map((row) => ({name: keyText(row.key), which: {key: row.key}})), windows: []};
  }
  if (data?.kind === 'funnel') {
    const split = data.funnel.groups.filter((group) => group.key.length > 0);
    return {keys: split.map((group) => ({name: keyText(group.key), which: {key: group.key}})), windows: []};
  }
  if (data?.kind !== 'timeseries' && data?.kind !== 'band') return {keys: [], windows: []};
  const shown = parseRange(rangeText, data.end);
  const windows = new Map<number, Choice>();
  for (const series of data.series) {
    for (const point of series.points) {
      if (shown && (point.e <= shown.from || point.s >= shown.to)) continue;
      windows.set(point.s, {name: `${bucketWords(point, near)} · ${point.state}`, which: {window_start: point.s}});
    }
  }
  return {
    keys: data.series.filter((series) => series.key.length > 0).map((series) => ({name: keyText(series.key), which: {key: series.key}})),
    windows: [...windows].sort((a, b) => b[0] - a[0]).slice(0, kChoicesMax).map(([, choice]) => choice),
  };
}

const answerText = (answer: string | null) => (answer === null ? 'no value' : grouped(answer));

function computedWords(data: PanelData, near: number): string {
  switch (data.kind) {
    case 'stat': return `${instant(data.stat.computed_at, near)}, in ${duration(data.stat.took_ms)}`;
    case 'funnel': return `${instant(data.funnel.computed_at, near)}, in ${duration(data.funnel.took_ms)}`;
    case 'table': return data.computedAt === null ? 'kept up to date with every commit' : instant(data.computedAt, near);
    case 'top': return data.top.computed_at === undefined ? 'kept up to date with every commit' : instant(data.top.computed_at, near);
    default: return 'kept up to date with every commit';
  }
}

function Facts({panel}: {panel: Panel}) {
  const board = useTheBoard();
  const root = useRef<HTMLDListElement>(null);
  const value = useRef<HTMLElement>(null);
  const dates = useRef<HTMLElement>(null);
  const epoch = useRef<HTMLElement>(null);
  const mark = useRef<HTMLElement>(null);
  const took = useRef<HTMLElement>(null);
  usePaint([`panel:${panel.id}`, 'watermark'], root, () => {
    const held = board.panel(panel.id);
    const data = held?.data;
    const near = board.near();
    const window = windowOf(data);
    setText(value.current, data?.kind !== 'stat' ? '' : data.stat.value === null ? 'no events in this window' : grouped(data.stat.value));
    setText(dates.current, !data ? 'not computed yet' : window === null ? 'no events yet' : `${range(window.start, window.end, near)} UTC`);
    setText(epoch.current, held?.answered ? `${grouped(String(held.epoch))}, as of ${held.asOf === null ? '–' : instant(held.asOf, near)}` : '–');
    const watermark = board.watermark?.watermark ?? held?.watermark ?? null;
    setText(mark.current, watermark === null ? 'none yet' : instant(watermark, near));
    setText(took.current, data ? computedWords(data, near) : '–');
  });
  return (
    <dl ref={root} className="facts">
      {panel.kind === 'stat' && <><dt>Value</dt><dd ref={value} className="strong" /></>}
      <dt>Window</dt><dd ref={dates} />
      <dt>Epoch</dt><dd ref={epoch} />
      <dt>Watermark</dt><dd ref={mark} />
      <dt>Computed</dt><dd ref={took} />
    </dl>
  );
}

// The values side by side; of a whole series the first few, and how many agree.
function Result({verification, nameOf}: {verification: Verification; nameOf: (cell: string) => string}) {
  const {shown, computed, equal, cells, compared = 1, different = 0} = verification;
  const rows = (cells ?? [{name: '', shown, computed, equal}]).slice(0, kCellsShown);
  const agree = compared === 1 ? 'Equal, to the last digit' : `All ${grouped(String(compared))} equal, to the last digit`;
  const differ = compared === 1 ? 'They differ' : `${grouped(String(different))} of ${grouped(String(compared))} differ`;
  return (
    <div className="verified" role="status" data-verify={equal ? 'equal' : 'different'} data-compared={compared}>
      <table className="figures">
        <thead>
          <tr>
            <th scope="col"><span className="visually-hidden">of</span></th>
            <th scope="col" className="figure">on the page</th>
            <th scope="col" className="figure">from raw events</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={row.name || at}>
              <th scope="row">{nameOf(row.name)}</th>
              <td data-shown={row.shown ?? ''}>{answerText(row.shown)}</td>
              <td data-computed={row.computed ?? ''}>{answerText(row.computed)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {compared > rows.length && <p className="secondary">and {grouped(String(compared - rows.length))} more</p>}
      <p className={equal ? 'equal' : 'different'}>
        {equal ? agree : `${differ}: \`sluice ledger\` names the epochs to look at`}
        <span className="secondary"> · epoch ≤ {grouped(String(verification.epoch))} · {duration(verification.took_ms)}</span>
      </p>
    </div>
  );
}

function Verify({panel, asked, rangeText}: {panel: Panel; asked: URLSearchParams | null; rangeText: string | null}) {
  const board = useTheBoard();
  const metric = useMetric(panel.metric);
  const [key, setKey] = useState('');
  const [window, setWindow] = useState('');
  const [running, setRunning] = useState(false);
  const [result, setResult] = useState<Verification | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const {keys, windows} = choices(board.panel(panel.id)?.data ?? null, board.near(), rangeText);
  const chosenKey = keys.find((one) => keyId(one.which.key!) === key) ?? keys[0];
  const chosenWindow = windows.find((one) => String(one.which.window_start) === window);
  const nameOf = (cell: string) => {
    const at = panel.kind === 'timeseries' || panel.kind === 'band' ? Date.parse(cell) : Number.NaN;
    const size = metric?.window.size_ms ?? 0;
    if (panel.kind === 'funnel') return cell.replace('.people', ': people').replace('.median_ms', ': median, ms').replaceAll('_', ' ');
    return Number.isNaN(at) ? columnLabel(metric, cell) : bucketWords({s: at, e: at + size}, board.near());
  };

  const run = () => {
    setRunning(true);
    setFailure(null);
    api.verify(panel.id, asked, {...chosenKey?.which, ...chosenWindow?.which})
      .then(setResult, (error: unknown) => { setResult(null); setFailure(failureOf(error)); })
      .finally(() => setRunning(false));
  };
  const forget = () => { setResult(null); setFailure(null); };

  return (
    <section className="verify" aria-label="Compute from raw events">
      {keys.length > 0 && (
        <label>{panel.kind === 'table' ? 'Row' : panel.kind === 'funnel' ? 'Group' : 'Series'}
          <select value={chosenKey ? keyId(chosenKey.which.key!) : ''} onChange={(event) => { setKey(event.target.value); forget(); }}>
            {keys.map((one) => <option key={keyId(one.which.key!)} value={keyId(one.which.key!)}>{one.name}</option>)}
          </select>
        </label>
      )}
      {windows.length > 0 && (
        <label>Window
          <select value={chosenWindow ? window : ''} onChange={(event) => { setWindow(event.target.value); forget(); }}>
            <option value="">all {grouped(String(windows.length))} of the chart</option>
            {windows.map((one) => <option key={one.which.window_start} value={one.which.window_start}>{one.name}</option>)}
          </select>
        </label>
      )}
      <button type="button" className="button" disabled={running} onClick={run} data-verify-run={panel.id}>
        {running ? 'Computing…' : 'Compute from raw events'}
      </button>
      {failure && <Problem failure={failure} />}
      {result && <Result verification={result} nameOf={nameOf} />}
    </section>
  );
}

export function Explain({panel, rangeText, onClose}: {panel: Panel; rangeText: string | null; onClose: () => void}) {
  const metric = useMetric(panel.metric);
  const asked = useAsked(panel);
  const text = asked?.toString() ?? '';
  const [known, setKnown] = useState<Explanation | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    api.explain(panel.id, new URLSearchParams(text), abort.signal).then(setKnown, (error: unknown) => {
      if (!abort.signal.aborted) setFailure(failureOf(error));
    });
    return () => abort.abort();
  }, [panel.id, text]);

  return (
    <Aside title="How do you know?" onClose={onClose}>
      <p className="aside-what">{panelTitle(panel, metric)}</p>
      <Facts panel={panel} />
      <Verify key={text} panel={panel} asked={asked} rangeText={rangeText} />
      {failure && <Problem failure={failure} />}
      {known && (
        <>
          <div className="code-head"><h3>Definition</h3><span className="secondary">{known.file}:{known.line}</span></div>
          <pre className="code" tabIndex={0} aria-label="Definition">{known.definition}</pre>
          <div className="code-head"><h3>SQL from raw events</h3><CopyButton text={known.sql} what="the SQL" /></div>
          <pre className="code" tabIndex={0} aria-label="SQL from raw events">{known.sql}</pre>
          <div className="code-head"><h3>SQL of the view</h3><CopyButton text={known.view_sql} what="the view's SQL" /></div>
          <pre className="code" tabIndex={0} aria-label="SQL of the view">{known.view_sql}</pre>
          <p className="secondary">
            Definition version {known.version}
            {known.watermark !== null && <> · watermark <time dateTime={iso(known.watermark)}>{iso(known.watermark)}</time></>}
          </p>
        </>
      )}
    </Aside>
  );
}
