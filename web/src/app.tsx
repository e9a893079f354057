// The page: asks what is defined, keeps the one live stream on what is shown, and draws the place the URL names.

import {useCallback, useEffect, useMemo, useRef, useState} from 'react';

import {wishOf} from './applied';
import {Boundary} from './boundary';
import {copy} from './clipboard';
import {panelCsv} from './csv';
import {Header} from './header';
import {Help} from './help';
import {currentPanel, setCurrentPanel, useKeys} from './keys';
import {api, failureOf} from './live/api';
import {Asker} from './live/asker';
import {Board} from './live/board';
import {Feed} from './live/feed';
import {BoardContext} from './live/paint';
import type {Dashboard, Failure, Panel, Project} from './live/contract';
import {DashboardPage} from './pages/dashboard';
import {LivePage} from './pages/live';
import {MissingPage} from './pages/missing';
import {PersonPage} from './pages/person';
import {QuarantinePage} from './pages/quarantine';
import {SqlPage} from './pages/sql';
import {ProjectContext} from './panels/project';
import {Problem} from './panels/problem';
import {go, nothingBeside, setQuery, toggled, useRoute, type Route} from './route';

const kAgainMs = 1_000;        // while the first answer is missing
const kHiddenMs = 30_000;      // a hidden tab gives its stream back

// The project; the same object while nothing changed.
function useProjectAnswer(board: Board): {project: Project | null; failure: Failure | null; ask: () => Promise<void>} {
  const [project, setProject] = useState<Project | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const text = useRef('');
  const ask = useCallback(async () => {
    try {
      const answer = await api.project();
      setFailure(null);
      const next = JSON.stringify(answer);
      if (next === text.current) return;
      text.current = next;
      board.defined(answer.definition_error);
      board.noted(answer.notes);
      for (const metric of answer.metrics) {
        board.progressed(metric.progress ? {metric: metric.name, ...metric.progress} : {metric: metric.name, done: 0, total: 0, finished: true});
      }
      setProject(answer);
    } catch (error) {
      setFailure(failureOf(error));
    }
  }, [board]);
  const waiting = project === null;
  useEffect(() => {
    if (!waiting) return;  // from then on: asked again after each lost connection
    void ask();
    const timer = setInterval(() => void ask(), kAgainMs);
    return () => clearInterval(timer);
  }, [ask, waiting]);
  return {project, failure, ask};
}

function dashboardOf(project: Project, route: Route): Dashboard | null {
  if (route.page !== 'dashboard') return null;
  if (route.dashboard === null) return project.dashboards[0] ?? null;
  return project.dashboards.find((one) => one.name === route.dashboard) ?? null;
}

function useFeed(board: Board, feed: Feed, project: Project | null, route: Route): void {
  const dashboard = project ? dashboardOf(project, route) : null;
  const feeds = route.page === 'live' ? 'events' : route.page === 'quarantine' ? 'quarantine' : '';
  useEffect(() => {
    if (!project) return;
    const panels = dashboard?.rows.flat() ?? [];
    board.show(panels);
    feed.watch({panels: panels.map((panel) => panel.id), feeds: feeds ? [feeds] : []});
  }, [board, feed, project, dashboard, feeds]);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onChange = () => {
      clearTimeout(timer);
      if (document.visibilityState === 'visible') feed.resume();
      else timer = setTimeout(() => feed.stop(), kHiddenMs);
    };
    document.addEventListener('visibilitychange', onChange);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onChange);
      feed.stop();
    };
  }, [feed]);
}

// Other ranges, filters and the period before, as the URL says.
function useAsker(board: Board, asker: Asker, project: Project | null, route: Route): void {
  const dashboard = project ? dashboardOf(project, route) : null;
  const text = [...route.query].filter(([name]) => name === 'range' || name === 'compare' || name.startsWith('f.')).map((one) => one.join('=')).join('&');
  useEffect(() => {
    const query = new URLSearchParams(text);
    asker.want((dashboard?.rows.flat() ?? []).map((panel) =>
      wishOf(panel, project?.metrics.find((metric) => metric.name === panel.metric) ?? null, query)));
  }, [board, asker, project, dashboard, text]);
  useEffect(() => () => asker.stop(), [asker]);
}

function Place({project, route}: {project: Project; route: Route}) {
  const dashboard = dashboardOf(project, route);
  if (dashboard) return <DashboardPage key={dashboard.name} dashboard={dashboard} project={project} />;
  if (route.page === 'live') return <LivePage project={project} />;
  if (route.page === 'person') return <PersonPage project={project} />;
  if (route.page === 'quarantine') return <QuarantinePage project={project} />;
  if (route.page === 'sql') return <SqlPage project={project} />;
  if (route.page === 'dashboard') {
    const what = route.dashboard === null ? 'This project has no dashboard yet' : `There is no dashboard named ${route.dashboard}`;
    return <MissingPage project={project} what={what} />;
  }
  return <MissingPage project={project} what="There is no such page" />;
}

export function App() {
  const board = useMemo(() => new Board(), []);
  const {project, failure, ask} = useProjectAnswer(board);
  const feed = useMemo(() => new Feed(board, ask), [board, ask]);
  const route = useRoute();
  const [help, setHelp] = useState(false);
  const asker = useMemo(() => new Asker(board, api.data, failureOf), [board]);
  useFeed(board, feed, project, route);
  useAsker(board, asker, project, route);
  useEffect(() => setCurrentPanel(null), [route.path]);

  const panels = (kinds: Panel['kind'][]): Panel | null => {
    const here = (project ? dashboardOf(project, route)?.rows.flat() ?? [] : []).filter((panel) => kinds.includes(panel.kind));
    return here.find((panel) => panel.id === currentPanel()) ?? here[0] ?? null;
  };
  const copyCsv = () => {
    const panel = panels(['stat', 'timeseries', 'table', 'funnel', 'retention', 'top', 'band', 'sessions']);
    const state = panel ? board.panel(panel.id) : null;
    const metric = project?.metrics.find((one) => one.name === panel?.metric) ?? null;
    if (panel && state?.data) void copy(panelCsv(panel, metric, state), 'CSV');
  };
  useKeys({
    '?': () => setHelp(true),
    'g a': () => go('/'),
    'g l': () => go('/live'),
    'g p': () => go('/person'),
    'g q': () => go('/quarantine'),
    'g s': () => go('/sql'),
    '/': () => document.getElementById('filter')?.focus(),
    't': () => {
      const panel = panels(['timeseries', 'band', 'funnel']);
      if (panel) setQuery(toggled(route.query, 'twin', panel.id));
    },
    'c': copyCsv,
    'x': () => { if (route.page === 'dashboard') setQuery({compare: route.query.get('compare') === 'previous' ? null : 'previous'}); },
    'Escape': () => { if (!help) setQuery(nothingBeside); },
  });

  return (
    <BoardContext value={board}>
      <Header project={project} onHelp={() => setHelp(true)} />
      {project ? (
        <ProjectContext value={project}>
          <Boundary place={route.path}><Place project={project} route={route} /></Boundary>
        </ProjectContext>
      ) : (
        <div className="page">
          <main id="main" className="main" aria-busy={failure === null}>{failure && <Problem failure={failure} />}</main>
        </div>
      )}
      {help && <Help onClose={() => setHelp(false)} />}
      <p id="speech" className="visually-hidden" aria-live="polite" />
    </BoardContext>
  );
}
