// The largest values of a dimension, as bars with their numbers. A click on a name filters the page.

import {change, compare, fraction, grouped, short} from '../decimal';
import {matches} from '../filter';
import type {Panel} from '../live/contract';
import {keyId, keyText} from '../live/panel-data';
import {setQuery, toggledFilters, useRoute} from '../route';
import {columnLabel, isDimension, measureLabel} from '../words';
import {PanelFrame, useWhole} from './panel-frame';

const kRowHeight = 35;

export function TopPanel({panel}: {panel: Panel}) {
  const {query} = useRoute();
  const whole = useWhole(panel, 'top');
  const {data, metric, title} = whole;
  const by = panel.by ?? [];
  const names = by.length > 0 ? by : [panel.measure ?? ''];
  const filter = query.get('filter') ?? '';
  const all = data?.top.rows ?? [];
  const rows = all.filter((row) => matches(keyText(row.key), filter));
  const shown = rows.length === 0 && filter.startsWith('"') ? all : rows;
  const most = all.reduce<string | null>((high, row) => (high === null || compare(row.value, high) > 0 ? row.value : high), null);
  const previous = whole.previous?.top.rows;
  const allBefore = previous !== undefined && (whole.previous?.top.more ?? 0) === 0;  // else it may have been below the first few
  const label = by.length > 0 ? measureLabel(metric, panel.measure ?? '') : 'times';
  const more = data?.top.more ?? 0;
  const clicks = by.length > 0 && by.every((name) => isDimension(metric, name));
  const [first] = all;
  return (
    <PanelFrame
      panel={panel} whole={whole} empty={all.length === 0} height={Math.min(panel.limit ?? 10, 20) * kRowHeight + 31}
      summary={first ? `${title}: first ${keyText(first.key)} with ${grouped(first.value ?? '0')} ${label}, ${all.length} listed.` : ''}
      note={[more > 0 ? `${grouped(String(more))} more are in SQL.` : '', all.length > shown.length ? `${all.length - shown.length} hidden by the filter.` : ''].join(' ').trim()}
    >
      <div className="scroll" role="region" aria-label={`${title}, table`} tabIndex={0}>
        <table className="figures top">
          <thead>
            <tr>
              <th scope="col">{names.map((name) => columnLabel(metric, name)).join(' · ')}</th>
              <th scope="col"><span className="visually-hidden">share of the largest, as a bar</span></th>
              <th scope="col">{label}</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => {
              const was = previous?.find((one) => keyId(one.key) === keyId(row.key))?.value ?? null;
              const filters = by.map((dimension, at) => ({dimension, value: row.key[at] ?? null}));
              return (
                <tr key={keyId(row.key)} data-key={keyId(row.key)} data-value={row.value ?? undefined} data-before={was ?? undefined}>
                  <th scope="row" title={keyText(row.key)}>
                    {clicks
                      ? <button type="button" className="name" title="show only this" onClick={() => setQuery(toggledFilters(query, filters))}>{keyText(row.key)}</button>
                      : keyText(row.key)}
                  </th>
                  <td className="top-track" aria-hidden="true">
                    <span className="top-bars">
                      <span className={data?.top.state === 'filling' ? 'top-bar filling' : 'top-bar'} style={{width: `${fraction(row.value, most) * 100}%`}} />
                      {was !== null && <span className="step-was" style={{left: `${fraction(was, most) * 100}%`}} />}
                    </span>
                  </td>
                  <td title={grouped(row.value ?? '')}>
                    {row.value === null ? '–' : short(row.value)}
                    {previous && <span className="was" title={was === null && !allBefore ? 'not among the first of the period before' : undefined}>{was === null ? (allBefore ? 'new' : '–') : change(row.value, was) || '–'}</span>}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </PanelFrame>
  );
}
