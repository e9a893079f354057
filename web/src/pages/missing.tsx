import {useEffect} from 'react';

import type {Project} from '../live/contract';
import {Link} from '../link';
import {dashboardTitle} from '../names';

// Nothing here: what exists instead.
export function MissingPage({project, what}: {project: Project; what: string}) {
  useEffect(() => {
    document.title = `Not found · ${project.project}`;
  }, [project]);
  return (
    <div className="page">
      <main id="main" tabIndex={-1} className="main" data-missing="">
        <div className="question"><h1>{what}</h1></div>
        <p>What there is instead:</p>
        <ul className="links">
          {project.dashboards.map((one) => (
            <li key={one.name}><Link to={`/d/${encodeURIComponent(one.name)}`}>{dashboardTitle(one.name)}</Link> <span className="secondary">{one.question}</span></li>
          ))}
          <li><Link to="/live">Live</Link> <span className="secondary">What is arriving now?</span></li>
          <li><Link to="/person">Person</Link> <span className="secondary">What did this person do?</span></li>
          <li><Link to="/quarantine">Quarantine</Link> <span className="secondary">What was refused, and why?</span></li>
          <li><Link to="/sql">SQL</Link> <span className="secondary">Ask anything else</span></li>
        </ul>
      </main>
    </div>
  );
}
