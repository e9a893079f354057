// A chart with its heading, legend, summary, table twin and state.

import {useEffect, useRef} from 'react';

import {shownWindow} from '../applied';
import {chartModel, type ChartModel, type TimeSeriesState} from '../chart/model';
import {bandLook, looks, type Look} from '../chart/look';
import {TimeSeries, type ChartHandle, type Cursor} from '../chart/time-series';
import {setCurrentPanel} from '../keys';
import {keyed, setData, setText, usePaint, useTheBoard} from '../live/paint';
import {keyText, type Series} from '../live/panel-data';
import type {Panel, Point} from '../live/contract';
import {parseRange, rangeText, type Range} from '../range';
import {isFiltered, listed, setQuery, toggledFilters, useRoute, type Filter} from '../route';
import {speak} from '../speak';
import {useTheme} from '../theme';
import {chartSummary, measureLabel, panelTitle} from '../words';
import {countedPoints, Meta, Tools} from './meta';
import {useApplied, useMetric} from './project';
import {swatch} from './swatch';
import {paintTooltip, spoken} from './tooltip';
import {paintTwin} from './twin';

interface LegendItem {
  text: string;
  look: Look;
  filters: Filter[];  // of a click; none in a band, whose lines are measures
}

function legendItem(): HTMLElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'legend-item';
  return button;
}

function bandItem(): HTMLElement {
  const item = document.createElement('span');
  item.className = 'legend-item';
  return item;
}

function paintLegendItem(element: HTMLElement, {text, look, filters}: LegendItem, query: URLSearchParams): void {
  if (element.dataset['text'] !== text) {
    element.dataset['text'] = text;
    const name = document.createElement('span');
    name.textContent = text;
    element.replaceChildren(swatch(look), name);
  }
  if (filters.length === 0) return;
  const only = isFiltered(query, filters);
  element.setAttribute('aria-pressed', String(only));
  element.title = only ? 'show all again' : 'show only this';
  element.onclick = () => setQuery(toggledFilters(query, filters));
}

export function TimeSeriesPanel({panel}: {panel: Panel}) {
  const board = useTheBoard();
  const metric = useMetric(panel.metric);
  const {query} = useRoute();
  const theme = useTheme();
  const root = useRef<HTMLElement>(null);
  const chart = useRef<ChartHandle>(null);
  const tip = useRef<HTMLDivElement>(null);
  const legend = useRef<HTMLDivElement>(null);
  const more = useRef<HTMLSpanElement>(null);
  const beforeLegend = useRef<HTMLSpanElement>(null);
  const twin = useRef<HTMLTableElement>(null);
  const summary = useRef<HTMLParagraphElement>(null);
  const note = useRef<HTMLParagraphElement>(null);
  const model = useRef<ChartModel | null>(null);
  const cursor = useRef<Cursor | null>(null);
  const title = panelTitle(panel, metric);
  const open = listed(query, 'twin').includes(panel.id);
  const filter = query.get('filter') ?? '';
  const applied = useApplied(panel);
  const by = panel.by ?? [];
  const isBand = panel.kind === 'band';
  const lookOf = (series: Series) => (isBand ? bandLook((panel.measures ?? []).indexOf(series.key[0] ?? '')) : looks.of(by, series.key));
  const legendOf = (series: Series): LegendItem => ({
    text: isBand ? measureLabel(metric, series.key[0] ?? '') : keyText(series.key), look: lookOf(series),
    filters: isBand ? [] : by.map((dimension, at) => ({dimension, value: series.key[at] ?? null})),
  });

  const data = (): TimeSeriesState | null => {
    const now = board.panel(panel.id)?.data;
    return now?.kind === 'timeseries' || now?.kind === 'band' ? now : null;
  };
  const mark = () => board.watermark?.watermark ?? null;

  usePaint([`panel:${panel.id}`], root, () => {
    const now = data();
    const held = board.panel(panel.id);
    root.current?.classList.toggle('waiting', !held?.answered);
    setText(note.current, held?.answered && !now ? 'Not computed yet.' : '');
    if (!now) return;
    const then = applied.compare ? board.view(panel.id, 'previous')?.state?.data : null;
    const previous = then?.kind === 'timeseries' || then?.kind === 'band' ? then : null;
    const next = chartModel(now, panel, metric, {filter, where: applied.where, range: parseRange(applied.rangeText, now.end), previous}, lookOf);
    root.current?.classList.toggle('no-data', next.buckets.length === 0);
    if (next.buckets.length === 0) setText(note.current, now.series.length === 0 ? 'No events in this window.' : 'Nothing here matches the filter.');
    model.current = next;
    chart.current?.draw(next);
    if (legend.current && (isBand || by.length > 0)) {
      keyed(legend.current, now.series, (series) => series.id, isBand ? bandItem : legendItem, (element, series) => paintLegendItem(element, legendOf(series), query));
    }
    beforeLegend.current?.toggleAttribute('hidden', next.before.length === 0);
    setText(more.current, now.more > 0 ? `${now.more} more` : '');
    if (twin.current) paintTwin(twin.current, next, open, metric, mark(), board.near());
    setText(summary.current, chartSummary(title, next, board.near()));
    setData(root.current, {series: next.series.length, buckets: next.buckets.length, shape: next.shape});
    if (cursor.current && tip.current) paintTooltip(tip.current, next, cursor.current, metric, mark(), board.near());
  });

  useEffect(() => {
    chart.current?.repaint();
  }, [theme]);

  const onCursor = (next: Cursor) => {
    cursor.current = next;
    if (model.current && tip.current) paintTooltip(tip.current, model.current, next, metric, mark(), board.near());
  };
  const onSpeak = (index: number) => {
    if (model.current) speak(spoken(model.current, index, metric, mark(), board.near()));
  };
  const onZoom = (range: Range | null) => setQuery({range: range ? rangeText(range) : null});

  return (
    <section
      ref={root} className="panel" data-panel={panel.id} data-kind={panel.kind} aria-labelledby={`${panel.id}-title`}
      onPointerEnter={() => setCurrentPanel(panel.id)} onFocus={() => setCurrentPanel(panel.id)}
    >
      <div className="panel-head">
        <h3 id={`${panel.id}-title`}>{title}</h3>
        <div className="legend-line">
          <div ref={legend} className="legend" /><span ref={more} className="legend-more" />
          <span ref={beforeLegend} className="legend-before" hidden>period before</span>
        </div>
      </div>
      <p ref={summary} id={`${panel.id}-summary`} className="visually-hidden" />
      <div className="chart-frame">
        <TimeSeries
          handle={chart} height={220} label={`${title}. Arrow keys move the cursor and speak the value.`}
          onCursor={onCursor} onSpeak={onSpeak} onZoom={onZoom}
        />
        <div ref={tip} className="tip" hidden />
        <p ref={note} className="chart-note" />
      </div>
      <div
        className={open ? 'scroll twin' : 'visually-hidden'} role="region" aria-label={`${title}, as a table`}
        {...(open ? {tabIndex: 0} : {})}
      >
        <table ref={twin} className="figures" data-twin={panel.id}>
          <thead><tr /></thead>
          <tbody />
        </table>
      </div>
      <div className="panel-foot">
        <Meta panel={panel} metric={metric} root={root} standing={() => {
          // From the board and not from the drawn model: this may be painted first.
          const now = data();
          if (!now) return null;
          const shown = shownWindow(now, parseRange(applied.rangeText, now.end), metric);
          const inside = (point: Point) => point.e > shown.start && point.s < shown.end;
          return {...shown, ...countedPoints({series: now.series.map((one) => ({points: one.points.filter(inside)}))})};
        }} />
        <Tools panel={panel} title={title} twin />
      </div>
    </section>
  );
}
