// Any question in SQL: the same read-only gate as the SQL port, the answer as a table, the same question as curl.

import {useEffect, useRef, useState} from 'react';

import {count, grouped} from '../decimal';
import {duration} from '../dates';
import {api, failureOf} from '../live/api';
import type {Failure, Project, SqlResult} from '../live/contract';
import {CopyButton} from '../panels/copy-button';
import {Problem} from '../panels/problem';
import {setQuery, useRoute} from '../route';

const kRowsShown = 1_000;

function starters(project: Project): {name: string; sql: string}[] {
  const views = project.metrics.map((metric) => ({
    name: metric.name, sql: `SELECT *\nFROM sluice.${metric.name}\nORDER BY window_start DESC\nLIMIT 20`,
  }));
  return [
    {name: 'events', sql: 'SELECT event_time, source, event, user_key, message_id\nFROM sluice.events\nORDER BY epoch DESC, log_offset DESC\nLIMIT 20'},
    ...views,
    {name: 'quarantine', sql: 'SELECT received_at, source, reason, path, raw\nFROM sluice.quarantine\nORDER BY received_at DESC\nLIMIT 20'},
  ];
}

export function curlOf(project: Project, sql: string): string {
  return `curl '${project.sql}/?default_format=PrettyCompact' --data-binary @- <<'SQL'\n${sql.trim()}\nSQL`;
}

const isFigure = (type: string) => /^(?:Nullable\()?(?:LowCardinality\()?(?:Nullable\()?(?:U?Int|Float|Decimal|BFloat)/.test(type);

function Cells({result}: {result: SqlResult}) {
  return (
    <div className="scroll result" role="region" aria-label="Result" tabIndex={0}>
      <table className="figures" data-sql-result="">
        <thead>
          <tr>
            {result.columns.map((column, at) => (
              <th key={at} scope="col" className={isFigure(column.type) ? 'figure' : 'text'}>
                {column.name}<span className="type">{column.type}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {result.rows.slice(0, kRowsShown).map((row, at) => (
            <tr key={at}>
              {row.map((cell, column) => (
                <td key={column} className={isFigure(result.columns[column]?.type ?? '') ? 'figure' : 'text'}>
                  {cell === null ? <span className="secondary">NULL</span> : cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function SqlPage({project}: {project: Project}) {
  const {query} = useRoute();
  const first = starters(project);
  const [text, setText] = useState(query.get('q') ?? first[1]?.sql ?? first[0]!.sql);
  const [running, setRunning] = useState(false);
  const [result, setResult] = useState<SqlResult | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const abort = useRef<AbortController | null>(null);

  useEffect(() => {
    document.title = `SQL · ${project.project}`;
    return () => abort.current?.abort();
  }, [project]);

  const run = (sql: string) => {
    abort.current?.abort();
    const mine = new AbortController();
    abort.current = mine;
    setQuery({q: sql});
    setRunning(true);
    setFailure(null);
    api.sql(sql, mine.signal)
      .then(setResult, (error: unknown) => {
        if (mine.signal.aborted) return;
        setResult(null);
        setFailure(failureOf(error));
      })
      .finally(() => { if (abort.current === mine) setRunning(false); });
  };

  return (
    <div className="page">
      <main id="main" tabIndex={-1} className="main">
        <div className="question"><h1>Ask in SQL</h1></div>
        <div className="starters" aria-label="Start from">
          {first.map((one) => (
            <button key={one.name} type="button" className="quiet" onClick={() => { setText(one.sql); run(one.sql); }}>{one.name}</button>
          ))}
        </div>
        <form onSubmit={(event) => { event.preventDefault(); run(text); }}>
          <textarea
            id="filter" className="sql" aria-label="SQL" rows={Math.min(16, Math.max(6, text.split('\n').length + 1))} spellCheck={false}
            value={text} onChange={(event) => setText(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); run(text); }
              if (event.key === 'Escape') event.currentTarget.blur();
            }}
          />
          <div className="sql-tools">
            <button type="submit" className="button" data-sql-run="" disabled={running}>{running ? 'Running…' : 'Run'}</button>
            <kbd>Ctrl</kbd><kbd>Enter</kbd>
            <CopyButton text={curlOf(project, text)} what="as curl" label="Copy as curl" />
            <span className="secondary sql-said" role="status">
              {result && !running && <>
                {count(result.rows.length, 'row')}{result.truncated ? ', cut off' : ''}
                {result.rows.length > kRowsShown && `, ${grouped(String(kRowsShown))} shown`}
                {' · '}{grouped(String(result.rows_read))} read · {duration(result.took_ms)}
              </>}
            </span>
          </div>
        </form>
        {failure && <Problem failure={failure} />}
        {result && <Cells result={result} />}
      </main>
    </div>
  );
}
