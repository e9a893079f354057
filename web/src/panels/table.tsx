// Rows by dimension: right-aligned figures, one state, a click on a name filters the page, a click on a heading sorts.

import {useLayoutEffect, useRef} from 'react';

import {keyPasses} from '../applied';
import {change, compare, grouped, isDecimal, short} from '../decimal';
import {filtered} from '../filter';
import {setCurrentPanel} from '../keys';
import {keyed, setData, setText, usePaint, useTheBoard} from '../live/paint';
import {keyId, keyText, type PanelData} from '../live/panel-data';
import type {Panel, TableRow} from '../live/contract';
import {cellText, isTop, topLines, topWords} from '../top';
import {looks} from '../chart/look';
import {setQuery, toggledFilters, useRoute} from '../route';
import {columnLabel, isDimension, panelTitle} from '../words';
import {Meta, standingOf, Tools} from './meta';
import {swatch} from './swatch';
import {useApplied, useMetric} from './project';

type TableState = Extract<PanelData, {kind: 'table'}>;

interface Sort {
  column: number;
  down: boolean;
}

// sort=<panel>:<column>:<up|down>
export function parseSort(text: string | null, panel: Panel): Sort | null {
  const [id, column, way] = (text ?? '').split(':');
  const at = (panel.columns ?? []).indexOf(column ?? '');
  return id === panel.id && at >= 0 ? {column: at, down: way !== 'up'} : null;
}

export function sortRows(rows: TableRow[], sort: Sort | null): TableRow[] {
  if (!sort) return rows;
  const value = (row: TableRow) => row.cells[sort.column] ?? null;
  const order = (a: TableRow, b: TableRow) => {
    // Lists go by their most frequent value's count.
    const [x, y] = [value(a), value(b)].map((cell) => (isTop(cell) ? (cell[0] ? String(cell[0][1]) : null) : cell)) as [string | null, string | null];
    if (isDecimal(x) || isDecimal(y)) return compare(x, y);
    return (x ?? '').localeCompare(y ?? '');
  };
  return [...rows].sort((a, b) => (sort.down ? -order(a, b) : order(a, b)));
}

export function TablePanel({panel}: {panel: Panel}) {
  const board = useTheBoard();
  const metric = useMetric(panel.metric);
  const {query} = useRoute();
  const root = useRef<HTMLElement>(null);
  const body = useRef<HTMLTableSectionElement>(null);
  const note = useRef<HTMLParagraphElement>(null);
  const title = panelTitle(panel, metric);
  const filter = query.get('filter') ?? '';
  const columns = panel.columns ?? [];
  const names = columns.map((name) => isDimension(metric, name));
  const {where, compare: comparing} = useApplied(panel);
  const chosen = parseSort(query.get('sort'), panel);
  const sort = chosen ?? {column: names.indexOf(false), down: true};  // as the server ranks them

  const here = useRef(query);
  useLayoutEffect(() => {
    here.current = query;
  });

  const table = (): TableState | null => {
    const data = board.panel(panel.id)?.data;
    return data?.kind === 'table' ? data : null;
  };
  const before = (): TableState | null => {
    const data = board.view(panel.id, 'previous')?.state?.data;
    return comparing && data?.kind === 'table' ? data : null;
  };

  const create = () => {
    const row = document.createElement('tr');
    for (const [at, name] of columns.entries()) {
      const cell = document.createElement(names[at] ? 'th' : 'td');
      if (names[at]) cell.setAttribute('scope', 'row');
      cell.dataset['column'] = name;
      if (names[at]) {
        const button = document.createElement('button');
        button.type = 'button';
        button.className = 'name';
        button.addEventListener('click', () => setQuery(toggledFilters(here.current, [{dimension: name, value: cell.dataset['value'] ?? null}])));
        cell.append(button);
      }
      row.append(cell);
    }
    return row;
  };

  const update = (element: HTMLElement, row: TableRow) => {
    setData(element, {key: keyId(row.key), state: row.state});
    const previous = before();
    for (const [at, cell] of (Array.from(element.children) as HTMLElement[]).entries()) {
      const content = row.cells[at] ?? null;
      const text = cellText(content);
      setData(cell, {value: text});
      if (isTop(content)) {
        setText(cell, topWords(content));
        cell.title = topLines(content);
        continue;
      }
      if (!names[at]) {
        setText(cell, text === null ? '–' : short(text));
        const then = cellText(previous?.rows.get(keyId(row.key))?.cells[at] ?? null);
        setData(cell, {before: then, change: previous ? change(text, then) || '–' : null});
        cell.title = text !== null && short(text) !== grouped(text) ? grouped(text) : '';
        continue;
      }
      const button = cell.firstElementChild as HTMLElement;
      const look = row.key.length === 1 ? looks.find(columns.filter((_, column) => names[column]), row.key) : null;
      if (button.dataset['look'] !== String(look?.colour)) {
        button.dataset['look'] = String(look?.colour);
        const state = document.createElement('span');
        state.className = 'visually-hidden';
        button.replaceChildren(...(look ? [swatch(look)] : []), document.createElement('span'), state);
      }
      setText(button.children[button.children.length - 2]!, keyText([text]));
      setText(button.lastElementChild, at === names.indexOf(true) && row.state !== 'final' ? `, ${row.state}` : '');
      button.title = 'show only this';
    }
  };

  usePaint([`panel:${panel.id}`], root, () => {
    const now = table();
    const held = board.panel(panel.id);
    const dimensions = columns.filter((_, column) => names[column]);
    const all = now ? [...now.rows.values()].filter((row) => keyPasses(dimensions, row.key, where)) : [];
    const rows = sortRows(filtered(all, filter), sort);
    if (body.current) keyed(body.current, rows, (row) => keyId(row.key), create, update);
    const hidden = all.length - rows.length;
    setText(note.current, !held?.answered ? '' : all.length === 0 ? (now && now.rows.size > 0 ? 'Nothing here matches the filter.' : 'No events in this window.') :
      [now!.more > 0 ? now!.more === 1 ? '1 more row is in SQL and CSV' : `${grouped(String(now!.more))} more rows are in SQL and CSV` : '', hidden > 0 ? `${hidden} hidden by the filter` : '']
        .filter((one) => one !== '').join(' · '));
  });

  const sortBy = (name: string) => {
    const way = query.get('sort') === `${panel.id}:${name}:down` ? 'up' : 'down';
    setQuery({sort: `${panel.id}:${name}:${way}`});
  };

  return (
    <section
      ref={root} className="panel" data-panel={panel.id} data-kind="table" aria-labelledby={`${panel.id}-title`}
      onPointerEnter={() => setCurrentPanel(panel.id)} onFocus={() => setCurrentPanel(panel.id)}
    >
      <div className="panel-head"><h3 id={`${panel.id}-title`}>{title}</h3></div>
      <div className="scroll" role="region" aria-label={`${title}, table`} tabIndex={0}>
        <table className="figures">
          <thead>
            <tr>
              {columns.map((name, at) => (
                <th
                  key={name} scope="col" className={names[at] ? undefined : 'figure'}
                  aria-sort={chosen?.column === at ? (chosen.down ? 'descending' : 'ascending') : undefined}
                >
                  <button type="button" className="quiet" onClick={() => sortBy(name)}>{columnLabel(metric, name)}</button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody ref={body} />
        </table>
      </div>
      <p ref={note} className="note" />
      <div className="panel-foot">
        <Meta
          panel={panel} metric={metric} root={root}
          standing={() => standingOf(board.panel(panel.id)?.data)}
        />
        <Tools panel={panel} title={title} />
      </div>
    </section>
  );
}
