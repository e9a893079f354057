// If drawing breaks, people read what happened instead of a white page; the header and the other pages stay.

import {Component, type ReactNode} from 'react';

import {Problem} from './panels/problem';

interface State {
  error: Error | null;
  place: string;
}

// `place` names what is drawn: going elsewhere tries again.
export class Boundary extends Component<{place: string; children: ReactNode}, State> {
  override state: State = {error: null, place: this.props.place};

  static getDerivedStateFromError(error: Error): Partial<State> {
    return {error};
  }

  static getDerivedStateFromProps(props: {place: string}, state: State): Partial<State> | null {
    return props.place === state.place ? null : {error: null, place: props.place};
  }

  override render(): ReactNode {
    if (!this.state.error) return this.props.children;
    return (
      <div className="page">
        <main id="main" className="main">
          <Problem failure={{
            code: 'page', message: `This page could not be drawn: ${this.state.error.message}`,
            next: 'Reload it; the numbers themselves are not affected. If it happens again, the CSV and the SQL port still answer.',
          }} />
        </main>
      </div>
    );
  }
}
