import {Refused} from '../live/api';
import type {Failure} from '../live/contract';

export function failureOf(error: unknown): Failure {
  if (error instanceof Refused) return error.failure;
  return {code: 'page', message: error instanceof Error ? error.message : String(error), next: ''};
}

// What went wrong, in place, with what to do next.
export function Problem({failure}: {failure: Failure}) {
  return (
    <div className="problem" role="alert" data-error={failure.code}>
      <p>{failure.message}</p>
      {failure.next && <p className="secondary">{failure.next}</p>}
    </div>
  );
}
