// A chart with its heading, legend, summary, table twin and state.

import {useEffect, useRef} from 'react';

import {chartModel, parseRange, type ChartModel, type Range, type TimeSeriesState} from '../chart/model';
import {looks} from '../chart/look';
import {TimeSeries, type ChartHandle, type Cursor} from '../chart/time-series';
import {count} from '../decimal';
import {exact} from '../filter';
import {setCurrentPanel} from '../keys';
import {keyed, setData, setText, usePaint, useTheBoard} from '../live/paint';
import {keyText, type Series} from '../live/panel-data';
import type {Panel, State} from '../live/contract';
import {listed, setQuery, useRoute} from '../route';
import {speak} from '../speak';
import {useTheme} from '../theme';
import {chartSummary, panelTitle} from '../words';
import {Meta, Tools, type Standing} from './meta';
import {useMetric} from './project';
import {swatch} from './swatch';
import {paintTooltip, spoken} from './tooltip';
import {paintTwin} from './twin';

// A chart is as final as its least final bucket, but a revision far back is no news for the whole.
function standing(data: TimeSeriesState): Standing {
  const starts = {filling: new Set<number>(), revised: new Set<number>()};
  for (const series of data.series) {
    for (const point of series.points) if (point.state !== 'final') starts[point.state].add(point.s);
  }
  const state: State = starts.filling.size > 0 ? 'filling' : starts.revised.size > 0 ? 'revised' : 'final';
  const words = [
    starts.filling.size > 0 ? `${count(starts.filling.size, 'window')} filling` : '',
    starts.revised.size > 0 ? `${count(starts.revised.size, 'window')} revised` : '',
  ].filter((one) => one !== '').join(', ');
  return {start: data.start, end: data.end, state, words: words || 'final'};
}

function legendItem(): HTMLElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'legend-item';
  return button;
}

function paintLegendItem(element: HTMLElement, series: Series, by: string[], filter: string): void {
  const text = keyText(series.key);
  if (element.dataset['text'] !== text) {
    element.dataset['text'] = text;
    const name = document.createElement('span');
    name.textContent = text;
    element.replaceChildren(swatch(looks.of(by, series.key)), name);
  }
  const only = filter === exact(text);
  element.setAttribute('aria-pressed', String(only));
  element.title = only ? 'show all again' : 'show only this';
  element.onclick = () => setQuery({filter: only ? null : exact(text)});
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
  const twin = useRef<HTMLTableElement>(null);
  const summary = useRef<HTMLParagraphElement>(null);
  const note = useRef<HTMLParagraphElement>(null);
  const model = useRef<ChartModel | null>(null);
  const cursor = useRef<Cursor | null>(null);
  const title = panelTitle(panel, metric);
  const open = listed(query, 'twin').includes(panel.id);
  const filter = query.get('filter') ?? '';
  const rangeText = query.get('range');
  const by = panel.by ?? [];

  const data = (): TimeSeriesState | null => {
    const now = board.panel(panel.id)?.data;
    return now?.kind === 'timeseries' ? now : null;
  };
  const mark = () => board.watermark?.watermark ?? null;

  usePaint([`panel:${panel.id}`], root, () => {
    const now = data();
    const held = board.panel(panel.id);
    root.current?.classList.toggle('waiting', !held?.answered);
    setText(note.current, held?.answered && !now ? 'Not computed yet.' : '');
    if (!now) return;
    const next = chartModel(now, panel, metric, filter, parseRange(rangeText, now.end), (series) => looks.of(by, series.key));
    root.current?.classList.toggle('no-data', next.buckets.length === 0);
    if (next.buckets.length === 0) setText(note.current, now.series.length === 0 ? 'No events in this window.' : 'Nothing here matches the filter.');
    model.current = next;
    chart.current?.draw(next);
    if (legend.current && by.length > 0) {
      keyed(legend.current, now.series, (series) => series.id, legendItem, (element, series) => paintLegendItem(element, series, by, filter));
    }
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
  const onZoom = (range: Range | null) => setQuery({range: range ? `${range.from}-${range.to}` : null});

  return (
    <section
      ref={root} className="panel" data-panel={panel.id} data-kind="timeseries" aria-labelledby={`${panel.id}-title`}
      onPointerEnter={() => setCurrentPanel(panel.id)} onFocus={() => setCurrentPanel(panel.id)}
    >
      <div className="panel-head">
        <h3 id={`${panel.id}-title`}>{title}</h3>
        <div className="legend-line"><div ref={legend} className="legend" /><span ref={more} className="legend-more" /></div>
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
          const now = data();
          return now ? standing(now) : null;
        }} />
        <Tools panel={panel} title={title} twin />
      </div>
    </section>
  );
}
