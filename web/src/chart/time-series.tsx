// The one chart of the page: values over time. uPlot lives in this file and in drawing.ts and could be replaced here; others hand in
// a ChartModel and hear which bucket the cursor is on and which range was chosen.
//
// Data never passes through React: `draw` takes a model and changes the canvas in place.
// Numbers become doubles here, for pixels only; every label comes from the decimal text.

import {useEffect, useImperativeHandle, useLayoutEffect, useRef, type KeyboardEvent, type Ref} from 'react';
import uPlot from 'uplot';

import {tick} from '../decimal';
import type {Range} from '../range';
import {drawBand, drawBefore, drawFilling, drawLabels, drawSeries, isDense, labelled, labelRoom} from './drawing';
import {colour, token} from './look';
import {extent, isLines, type ChartModel} from './model';
import {ticks} from './ticks';

export interface Cursor {
  index: number | null;
  left: number;   // CSS pixels inside the chart
  top: number;
  width: number;
  own: boolean;   // this chart has the pointer or the keyboard; others only follow the crosshair
}

export interface ChartHandle {
  draw: (model: ChartModel) => void;
  repaint: () => void;  // the theme changed
}

interface Props {
  handle: Ref<ChartHandle>;
  height: number;
  label: string;
  onCursor: (cursor: Cursor) => void;
  onSpeak: (index: number) => void;
  onZoom: (range: Range | null) => void;
}

const kFont = '12px system-ui, sans-serif';
const kNothing: ChartModel = {start: 0, end: 1, step: 1, buckets: [], series: [], shape: 'bars', before: []};

function aligned(model: ChartModel): uPlot.AlignedData {
  const x = model.buckets.map((bucket) => (bucket.s + bucket.e) / 2);
  return [x, ...model.series.map((series) => series.points.map((point) => (point?.v == null ? null : Number(point.v))))];
}

// From zero to a little above the highest value, so that lengths and heights can be compared.
function yRange(model: ChartModel): [number, number] {
  const found = extent(model);
  if (!found) return [0, 1];
  const low = Math.min(0, found[0]);
  const high = Math.max(0, found[1]);
  if (low === high) return [0, 1];
  const room = (high - low) * 0.06;
  return [low === 0 ? 0 : low - room, high + room];
}

const kSteps = Array.from({length: 22}, (_, at) => at - 6).flatMap((power) => [1, 2, 5].map((one) => one * 10 ** power));
const kWholeSteps = kSteps.filter((one) => one >= 1);

// Counts have no halves, so their axis has none either.
function ySteps(model: ChartModel): number[] {
  const whole = model.series.every((series) => series.points.every((point) => !point?.v?.includes('.')));
  return whole ? kWholeSteps : kSteps;
}

const kHalfLabel = 22;
const timeTicks = (u: uPlot, min: number, max: number) => ticks(min, max, Math.max(2, Math.floor(u.width / 110)));

function options(width: number, height: number, model: () => ChartModel, hooks: uPlot.Hooks.Arrays, zoomed: () => void): uPlot.Options {
  const series = model().series;
  return {
    width, height, ms: 1, padding: [8, (u) => (labelled(u.width, model()) ? labelRoom(u.ctx, model()) : 8), 0, 0],
    legend: {show: false},
    scales: {
      x: {time: true, range: () => [model().start, Math.max(model().end, model().start + 1)]},
      y: {range: () => yRange(model())},
    },
    axes: [
      {
        font: kFont, stroke: () => token('--secondary'), size: 28, gap: 6, grid: {show: false}, ticks: {show: false},
        splits: (u, _axis, min, max) => timeTicks(u, min, max).at,
        values: (u, at) => {
          const {min, max} = u.scales['x'] as {min: number; max: number};
          const {label} = timeTicks(u, min, max);
          // A label that would be cut off at the right edge is left out.
          const last = max - (max - min) * (kHalfLabel / u.width);
          return at.map((ms) => (ms > last ? '' : label(ms)));
        },
      },
      {
        font: kFont, stroke: () => token('--secondary'), size: axisWidth, gap: 8, space: 40, incrs: () => ySteps(model()), ticks: {show: false},
        grid: {stroke: () => token('--hairline'), width: 1},
        values: (_u, at) => at.map(tick),
      },
    ],
    series: [{}, ...series.map((one) => ({
      stroke: () => colour(one.look.colour), paths: () => null, points: {show: false},
    }))],
    cursor: {
      y: false,
      points: {
        show: isLines(model()), size: 7, width: 1.5,
        stroke: (_u, index) => colour(model().series[index - 1]?.look.colour ?? 0),
        fill: () => token('--paper'),
      },
      drag: {x: true, y: false, setScale: false},
      sync: {key: 'sluice', setSeries: false},
      bind: {dblclick: () => () => { zoomed(); return null; }},
    },
    hooks,
  };
}

function axisWidth(_u: uPlot, values: string[] | null): number {
  const longest = Math.max(2, ...(values ?? []).map((value) => value.length));
  return Math.ceil(longest * 7 + 14);
}

export function TimeSeries({handle, height, label, onCursor, onSpeak, onZoom}: Props) {
  const root = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const model = useRef<ChartModel>(kNothing);
  const own = useRef(false);
  const calls = useRef({onCursor, onZoom});

  useLayoutEffect(() => {
    calls.current = {onCursor, onZoom};
  });

  const create = () => {
    plot.current?.destroy();
    const element = root.current!;
    const hooks: uPlot.Hooks.Arrays = {
      drawAxes: [(u) => {
        element.toggleAttribute('data-dense', isDense(u, model.current));
        drawFilling(u, model.current);
        drawBefore(u, model.current);
        drawBand(u, model.current);
      }],
      draw: [(u) => drawLabels(u, model.current)],
      drawSeries: [(u, index) => drawSeries(u, model.current, index - 1)],
      setCursor: [(u) => {
        const index = u.cursor.idx ?? null;
        const inside = (u.cursor.left ?? -1) >= 0;
        calls.current.onCursor({
          index: inside ? index : null, own: own.current, width: element.clientWidth,
          left: (u.cursor.left ?? 0) + u.over.offsetLeft, top: (u.cursor.top ?? 0) + u.over.offsetTop,
        });
      }],
      setSelect: [(u) => {
        if (u.select.width < 4) return;
        const from = Math.round(u.posToVal(u.select.left, 'x'));
        const to = Math.round(u.posToVal(u.select.left + u.select.width, 'x'));
        u.setSelect({left: 0, top: 0, width: 0, height: 0}, false);
        // Whole buckets, so that what is summed over the range is what the chart shows.
        const first = model.current.buckets.find((bucket) => bucket.e > from);
        const last = model.current.buckets.findLast((bucket) => bucket.s < to);
        if (own.current && first && last && first.s < last.e) calls.current.onZoom({from: first.s, to: last.e});
      }],
    };
    const made = options(Math.max(120, element.clientWidth), height, () => model.current, hooks, () => calls.current.onZoom(null));
    plot.current = new uPlot(made, aligned(model.current), element);
  };

  useImperativeHandle(handle, () => ({
    draw: (next) => {
      const before = model.current;
      model.current = next;
      const same = plot.current !== null && before.shape === next.shape && before.series.length === next.series.length;
      if (same) plot.current!.setData(aligned(next), true);
      else create();
    },
    repaint: () => plot.current?.redraw(false, true),
  }));

  useEffect(() => {
    const element = root.current!;
    const observer = new ResizeObserver(() => {
      const width = element.clientWidth;
      if (plot.current && width > 0 && width !== plot.current.width) plot.current.setSize({width, height});
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [height]);

  const move = (index: number) => {
    const u = plot.current;
    const buckets = model.current.buckets;
    if (!u || buckets.length === 0) return;
    const at = Math.max(0, Math.min(buckets.length - 1, index));
    const bucket = buckets[at]!;
    u.setCursor({left: u.valToPos((bucket.s + bucket.e) / 2, 'x'), top: u.over.clientHeight / 3});
    onSpeak(at);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const last = model.current.buckets.length - 1;
    const now = plot.current?.cursor.idx ?? last + 1;
    const steps: Record<string, number> = {
      ArrowLeft: now - 1, ArrowRight: now + 1, PageUp: now - 10, PageDown: now + 10, Home: 0, End: last,
    };
    const to = steps[event.key];
    if (to === undefined) return;
    event.preventDefault();
    own.current = true;
    move(to);
  };

  const leave = () => {
    own.current = false;
    plot.current?.setCursor({left: -10, top: -10});
  };

  return (
    // A chart answers to the arrow keys, so screen readers must hand them over.
    <div
      ref={root} className="chart" role="application" aria-roledescription="chart" aria-label={label} tabIndex={0}
      onKeyDown={onKeyDown} onFocus={() => { own.current = true; }} onBlur={leave}
      onPointerEnter={() => { own.current = true; }} onPointerLeave={() => { own.current = document.activeElement === root.current; }}
    />
  );
}
