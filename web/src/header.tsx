// Above everything: where one is, whether the page is live, whether the books balance, how far the numbers are behind.

import {useEffect, useRef} from 'react';

import {grouped} from './decimal';
import {clock} from './dates';
import {Link} from './link';
import {setData, setText, useBoard, usePaint, useTheBoard} from './live/paint';
import type {Project} from './live/contract';
import {dashboardTitle} from './names';
import {carried, useRoute} from './route';
import {switchTheme, useTheme} from './theme';
import {ledgerWords, statusWords, watermarkWords} from './words';

function LiveDot() {
  const board = useTheBoard();
  const root = useRef<HTMLParagraphElement>(null);
  const words = useRef<HTMLSpanElement>(null);
  usePaint(['connection', 'watermark'], root, () => {
    const asOf = board.asOf();
    const at = asOf === null ? '' : clock(asOf);
    const text = board.connection === 'live' ? (at ? `live · as of ${at} UTC` : 'live') :
      board.connection === 'connecting' ? 'connecting' : at ? `reconnecting, numbers as of ${at}` : 'reconnecting';
    setText(words.current, text);
    setData(root.current, {connection: board.connection, 'as-of': asOf});
  });
  return <p ref={root} className="live-dot"><span ref={words} /></p>;
}

function LedgerLine() {
  const board = useTheBoard();
  const root = useRef<HTMLDivElement>(null);
  const sentence = useRef<HTMLSpanElement>(null);
  const behind = useRef<HTMLSpanElement>(null);
  usePaint(['ledger', 'watermark'], root, () => {
    const ledger = board.ledger;
    setText(sentence.current, ledger ? ledgerWords(ledger) : '');
    setData(sentence.current, ledger ? {
      ledger: '', received: ledger.received, stored: ledger.stored, quarantined: ledger.quarantined, duplicate: ledger.duplicate,
      pending: ledger.pending, missing: ledger.missing, balances: String(ledger.balances),
    } : {});
    setText(behind.current, board.watermark ? watermarkWords(board.watermark.watermark === null ? null : board.watermark.behind_ms) : '');
    setData(behind.current, {watermark: board.watermark?.watermark, 'behind-ms': board.watermark?.behind_ms});
    if (behind.current && board.watermark) {
      behind.current.title = board.watermark.sources
        .map((one) => `${one.name}: ${one.watermark === null ? 'no events yet' : `${clock(one.watermark)} UTC`}${one.active ? '' : ', idle'}`).join('\n');
    }
  });
  return (
    <div ref={root} className="ledger-line">
      <span ref={sentence} className="ledger" title="stored, quarantined, duplicate and pending are counted apart from received; they must add up" />
      <span ref={behind} className="behind" />
    </div>
  );
}

function StatusLine() {
  const board = useTheBoard();
  const text = useBoard(['status', 'ledger'], (now) => statusWords(now.status, now.ledger, now.near()));
  const status = useBoard(['status'], (now) => now.status?.status ?? null);
  const missing = useBoard(['ledger'], (now) => (now.ledger && !now.ledger.balances ? now.ledger.missing : 0));
  const refusal = useBoard(['connection'], (now) => now.refusal);
  const error = useBoard(['definition'], () => board.definitionError);
  return (
    <div role="status" className="notices" data-status={status ?? undefined}>
      {text && <p className="notice" data-notice="status">{text}</p>}
      {refusal && <p className="notice" data-notice="connection">No live numbers: {refusal}</p>}
      {missing !== 0 && (
        <p className="notice bad" data-notice="ledger">
          The ledger does not balance: {grouped(String(missing))} missing. <code>sluice ledger</code> names the epochs.
        </p>
      )}
      {error && (
        <div className="notice bad" data-notice="definition">
          <p>{error.file}:{error.line}:{error.column}: {error.message} <span className="secondary">The numbers below are from the last definitions that worked.</span></p>
          <pre className="code">{error.source_line}{'\n'}{' '.repeat(Math.max(0, error.column - 1))}^</pre>
        </div>
      )}
    </div>
  );
}

export function Header({project, onHelp}: {project: Project | null; onHelp: () => void}) {
  const route = useRoute();
  const theme = useTheme();
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    nav.current?.querySelector('[aria-current]')?.scrollIntoView({block: 'nearest', inline: 'nearest'});
  }, [route.page, route.dashboard, project]);
  const shown = route.page !== 'dashboard' ? null : (route.dashboard ?? project?.dashboards[0]?.name ?? null);
  return (
    <header className="header">
      <a className="skip" href="#main">Skip to the numbers</a>
      <div className="bar">
        <p className="brand"><Link to="/">Sluice</Link>{project && <span className="secondary"> · {project.project}</span>}</p>
        <nav ref={nav} aria-label="Pages" className="nav">
          {project?.dashboards.map((one) => (
            <Link key={one.name} to={`/d/${encodeURIComponent(one.name)}${route.page === 'dashboard' ? carried(route.query) : ''}`} current={shown === one.name}>{dashboardTitle(one.name)}</Link>
          ))}
          <span className="nav-rule" aria-hidden="true" />
          <Link to="/live" current={route.page === 'live'}>Live</Link>
          <Link to="/person" current={route.page === 'person'}>Person</Link>
          <Link to="/quarantine" current={route.page === 'quarantine'}>Quarantine</Link>
          <Link to="/sql" current={route.page === 'sql'}>SQL</Link>
        </nav>
        <div className="bar-end">
          <LiveDot />
          <button type="button" className="icon" aria-label="Keys" title="Keys (?)" onClick={onHelp}>?</button>
          <button
            type="button" className="icon" aria-label={theme === 'dark' ? 'Light theme' : 'Dark theme'}
            title={theme === 'dark' ? 'Light theme' : 'Dark theme'} onClick={switchTheme}
          >
            <svg viewBox="0 0 16 16" aria-hidden="true">
              {theme === 'dark'
                ? <path d="M8 4.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7ZM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1" />
                : <path d="M13.5 9.7A6 6 0 0 1 6.3 2.5a6 6 0 1 0 7.2 7.2Z" />}
            </svg>
          </button>
        </div>
      </div>
      <LedgerLine />
      <StatusLine />
    </header>
  );
}
