// How values become ink: solid where final, dashed or hatched where still filling, a small mark where revised, nothing where there
// were no events. Runs inside uPlot's canvas; all positions come from it.

import type uPlot from 'uplot';

import type {Point} from '../live/contract';
import {below, fillingFrom, isLines, type ChartModel, type ChartSeries} from './model';
import {colour, token} from './look';

interface Ink {
  u: uPlot;
  ctx: CanvasRenderingContext2D;
  ratio: number;
  x: (ms: number) => number;
  y: (value: number) => number;
}

function ink(u: uPlot): Ink {
  return {
    u, ctx: u.ctx, ratio: devicePixelRatio || 1,
    x: (ms) => u.valToPos(ms, 'x', true),
    y: (value) => u.valToPos(value, 'y', true),
  };
}

const kFillingDash = [2, 3];
const kFill = 0.82;  // areas are larger than lines and need less ink

let hatches = new Map<string, CanvasPattern | null>();

// Diagonal hairlines of one colour; made once per colour and pixel ratio.
function hatch(ctx: CanvasRenderingContext2D, stroke: string, ratio: number): CanvasPattern | null {
  const name = `${stroke} ${ratio}`;
  const known = hatches.get(name);
  if (known !== undefined) return known;
  if (hatches.size > 64) hatches = new Map();
  const size = Math.round(6 * ratio);
  const tile = document.createElement('canvas');
  tile.width = size;
  tile.height = size;
  const pen = tile.getContext('2d');
  if (!pen) return null;
  pen.strokeStyle = stroke;
  pen.lineWidth = 1.2 * ratio;
  pen.beginPath();
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size);
    pen.lineTo(shift + size, 0);
  }
  pen.stroke();
  const pattern = ctx.createPattern(tile, 'repeat');
  hatches.set(name, pattern);
  return pattern;
}

// The part of the time axis whose numbers still move, very lightly, behind everything.
export function drawFilling(u: uPlot, model: ChartModel): void {
  const from = fillingFrom(model);
  if (from === null || !isLines(model)) return;
  const {ctx, ratio, x} = ink(u);
  const left = Math.max(x(from), u.bbox.left);
  const right = Math.min(x(model.buckets[model.buckets.length - 1]!.e), u.bbox.left + u.bbox.width);
  if (right <= left) return;
  ctx.save();
  ctx.globalAlpha = 0.35;
  ctx.fillStyle = hatch(ctx, token('--hairline'), ratio) ?? token('--hairline');
  ctx.fillRect(left, u.bbox.top, right - left, u.bbox.height);
  ctx.restore();
}

function clipped(u: uPlot, draw: (pen: Ink) => void): void {
  const pen = ink(u);
  pen.ctx.save();
  pen.ctx.beginPath();
  pen.ctx.rect(u.bbox.left, u.bbox.top - 6 * pen.ratio, u.bbox.width, u.bbox.height + 6 * pen.ratio);
  pen.ctx.clip();
  draw(pen);
  pen.ctx.restore();
}

// The period before, as fine lines under this one: steps where this one is bars.
export function drawBefore(u: uPlot, model: ChartModel): void {
  if (model.before.length === 0) return;
  clipped(u, ({ctx, ratio, x, y}) => {
    ctx.lineJoin = 'round';
    ctx.lineWidth = 1.5 * ratio;
    for (const {series, points} of model.before) {
      const alone = model.series.length < 2 || series === null;
      ctx.strokeStyle = alone ? token('--before') : colour(model.series[series]!.look.colour);
      ctx.globalAlpha = alone ? 1 : 0.4;
      ctx.beginPath();
      let last: number | null = null;
      for (const point of points) {
        const joined = last !== null && point.s - last <= model.step * 1.5;
        last = point.s;
        const at = y(Number(point.v));
        const from = isLines(model) ? x((point.s + point.e) / 2) : x(point.s);
        if (joined) ctx.lineTo(from, at);
        else ctx.moveTo(from, at);
        if (!isLines(model)) ctx.lineTo(x(point.s + model.step), at);
      }
      ctx.stroke();
    }
  });
}

// Between the lowest and the highest line of a band, lightly; hatched where it still moves.
export function drawBand(u: uPlot, model: ChartModel): void {
  const low = model.series[0];
  const high = model.series[model.series.length - 1];
  if (model.shape !== 'band' || !low || !high || low === high) return;
  clipped(u, (pen) => {
    const {ctx, ratio} = pen;
    const floor = new Map(low.points.flatMap((point) => (point?.v == null ? [] : [[point.s, pen.y(Number(point.v))] as const])));
    const stroke = colour(low.look.colour);
    for (const run of runs(pen, model, high)) {
      for (let at = 1; at < run.length; at++) {
        const [left, right] = [run[at - 1]!, run[at]!];
        const [leftLow, rightLow] = [floor.get(left.point.s), floor.get(right.point.s)];
        if (leftLow === undefined || rightLow === undefined) continue;
        const moving = right.point.state === 'filling';
        ctx.globalAlpha = moving ? 0.35 : 0.12;
        ctx.fillStyle = moving ? (hatch(ctx, stroke, ratio) ?? stroke) : stroke;
        ctx.beginPath();
        ctx.moveTo(Math.floor(left.px), left.py);
        ctx.lineTo(Math.floor(right.px), right.py);
        ctx.lineTo(Math.floor(right.px), rightLow);
        ctx.lineTo(Math.floor(left.px), leftLow);
        ctx.fill();
      }
    }
  });
}

export function drawSeries(u: uPlot, model: ChartModel, index: number): void {
  const series = model.series[index];
  if (!series) return;
  clipped(u, (pen) => {
    if (isLines(model)) drawLine(pen, model, series);
    else drawBars(pen, model, series, index);
  });
}

// Where several series have a value in one bucket, their bars stand on one another in a stack, else side by side.
function drawBars(pen: Ink, model: ChartModel, series: ChartSeries, index: number): void {
  const {ctx, ratio, x, y} = pen;
  const zero = y(Math.max(0, pen.u.scales['y']?.min ?? 0));
  const stroke = colour(series.look.colour);
  for (const [bucket, point] of series.points.entries()) {
    if (!point || point.v === null) continue;
    const present = model.series.map((one, at) => (model.shape === 'stack' ? at === index : one.points[bucket]?.v != null));
    const before = present.slice(0, index).filter(Boolean).length;
    const under = model.shape === 'stack' ? below(model, index, bucket) : 0;
    const full = x(point.s + model.step) - x(point.s);
    const gap = full > 6 * ratio ? Math.max(ratio, full * 0.14) : full > 3 * ratio ? ratio : 0;
    const each = (full - gap) / present.filter(Boolean).length;
    const left = Math.round(x(point.s) + gap / 2 + before * each);
    const width = Math.max(1, Math.round(x(point.s) + gap / 2 + (before + 1) * each) - left);
    const top = Math.round(y(under + Number(point.v)));
    const height = (under > 0 ? Math.round(y(under)) : zero) - top;
    if (point.state === 'filling') {
      ctx.fillStyle = hatch(ctx, stroke, ratio) ?? stroke;
      ctx.fillRect(left, top, width, height);
      ctx.strokeStyle = stroke;
      ctx.lineWidth = ratio;
      ctx.setLineDash([3 * ratio, 2 * ratio]);
      if (width > 3 * ratio) ctx.strokeRect(left + ratio / 2, top + ratio / 2, width - ratio, height);
      ctx.setLineDash([]);
    } else {
      ctx.fillStyle = stroke;
      ctx.globalAlpha = kFill;
      ctx.fillRect(left, top, width, height);
      ctx.globalAlpha = 1;
    }
    if (under > 0 && width > 5 * ratio) {  // a hairline of paper between the parts of a stack
      ctx.fillStyle = token('--paper');
      ctx.fillRect(left, top + height - Math.ceil(ratio / 2), width, ratio);
    }
    if (point.state === 'revised') drawCorner(pen, left + width, top, Math.min(8 * ratio, Math.max(3 * ratio, width)));
  }
}

// A small triangle on the corner of a bar.
function drawCorner({ctx, ratio}: Ink, right: number, top: number, size: number): void {
  ctx.fillStyle = token('--revised');
  ctx.beginPath();
  ctx.moveTo(right - size, top - 2 * ratio);
  ctx.lineTo(right, top - 2 * ratio);
  ctx.lineTo(right, top + size - 2 * ratio);
  ctx.closePath();
  ctx.fill();
}

interface Spot {
  point: Point;
  px: number;
  py: number;
}

// Runs of buckets that follow one another without a gap.
function runs(pen: Ink, model: ChartModel, series: ChartSeries): Spot[][] {
  const all: Spot[][] = [];
  let run: Spot[] = [];
  let last: Point | null = null;
  for (const point of series.points) {
    if (!point || point.v === null) continue;
    if (last && point.s - last.s > model.step * 1.5) {
      all.push(run);
      run = [];
    }
    run.push({point, px: pen.x((point.s + point.e) / 2), py: pen.y(Number(point.v))});
    last = point;
  }
  if (run.length > 0) all.push(run);
  return all;
}

// Where buckets are so narrow that a pattern along the line would be noise, lines are solid and the labels at their ends tell them
// apart; still narrower, they are finer too.
const kPatternPx = 5;
const kFinePx = 2;

export function bucketPx(u: uPlot, model: ChartModel): number {
  return u.valToPos(model.start + model.step, 'x') - u.valToPos(model.start, 'x');
}

export const isDense = (u: uPlot, model: ChartModel) => bucketPx(u, model) < kPatternPx;

// Names at the line ends: for two to kLabelsMax lines on a chart wide enough.
const kLabelsMax = 6;
const kLabelFont = '12px system-ui, sans-serif';

export function labelled(width: number, model: ChartModel): boolean {
  return isLines(model) && width >= 600 && model.series.length >= 2 && model.series.length <= kLabelsMax;
}

export function labelRoom(ctx: CanvasRenderingContext2D, model: ChartModel): number {
  ctx.save();
  ctx.font = kLabelFont;
  const widest = Math.max(...model.series.map((series) => ctx.measureText(series.label).width));
  ctx.restore();
  return Math.min(140, Math.ceil(widest) + 18);
}

export function drawLabels(u: uPlot, model: ChartModel): void {
  if (!labelled(u.width, model)) return;
  const {ctx, ratio, y} = ink(u);
  const least = 15 * ratio;
  const right = u.bbox.left + u.bbox.width;
  const ends = model.series.flatMap((series) => {
    const last = series.points.findLast((point) => point?.v != null);
    return last?.v == null ? [] : [{series, at: y(Number(last.v))}];
  }).sort((a, b) => a.at - b.at);
  // From the bottom up, each at least one line above the one below it.
  let floor = u.bbox.top + u.bbox.height;
  for (const end of ends.toReversed()) {
    end.at = Math.min(end.at, floor);
    floor = end.at - least;
  }
  ctx.save();
  ctx.font = `${12 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  for (const {series, at} of ends) {
    ctx.fillStyle = colour(series.look.colour);
    ctx.beginPath();
    ctx.arc(right + 7 * ratio, at, 2.5 * ratio, 0, 2 * Math.PI);
    ctx.fill();
    ctx.fillStyle = token('--secondary');
    ctx.fillText(series.label, right + 14 * ratio, at, 126 * ratio);
  }
  ctx.restore();
}

function drawLine(pen: Ink, model: ChartModel, series: ChartSeries): void {
  const {ctx, ratio} = pen;
  const stroke = colour(series.look.colour);
  const dash = isDense(pen.u, model) ? [] : series.look.dash.map((one) => one * ratio);
  const filling = kFillingDash.map((one) => one * ratio);
  ctx.strokeStyle = stroke;
  ctx.lineJoin = 'round';
  ctx.lineWidth = bucketPx(pen.u, model) < kFinePx ? ratio : 1.5 * ratio;
  const all = runs(pen, model, series);
  for (const run of all) {
    let from = 0;
    while (from < run.length - 1) {
      const moving = run[from + 1]!.point.state === 'filling';
      let to = from + 1;
      while (to < run.length - 1 && (run[to + 1]!.point.state === 'filling') === moving) to++;
      ctx.setLineDash(moving ? filling : dash);
      ctx.beginPath();
      ctx.moveTo(run[from]!.px, run[from]!.py);
      for (let at = from + 1; at <= to; at++) ctx.lineTo(run[at]!.px, run[at]!.py);
      ctx.stroke();
      from = to;
    }
  }
  ctx.setLineDash([]);
  drawSpots(pen, stroke, all);
}

// A value alone between two gaps is a dot; the newest filling value is a ring; a revised one carries a diamond.
function drawSpots({ctx, ratio}: Ink, stroke: string, all: Spot[][]): void {
  const paper = token('--paper');
  const last = all.at(-1)?.at(-1);
  for (const run of all) {
    for (const spot of run) {
      const open = spot === last && spot.point.state === 'filling';
      if (spot.point.state === 'revised') {
        const size = 3 * ratio;
        ctx.fillStyle = token('--revised');
        ctx.beginPath();
        ctx.moveTo(spot.px, spot.py - size);
        ctx.lineTo(spot.px + size, spot.py);
        ctx.lineTo(spot.px, spot.py + size);
        ctx.lineTo(spot.px - size, spot.py);
        ctx.fill();
      } else if (open || run.length === 1) {
        ctx.beginPath();
        ctx.arc(spot.px, spot.py, (open ? 3 : 1.75) * ratio, 0, 2 * Math.PI);
        ctx.fillStyle = open ? paper : stroke;
        ctx.fill();
        if (open) {
          ctx.lineWidth = 1.5 * ratio;
          ctx.stroke();
        }
      }
    }
  }
}
