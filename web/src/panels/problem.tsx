import type {Failure} from '../live/contract';

// What went wrong, in place, with what to do next.
export function Problem({failure}: {failure: Failure}) {
  return (
    <div className="problem" role="alert" data-error={failure.code}>
      <p>{failure.message}</p>
      {failure.next && <p className="secondary">{failure.next}</p>}
    </div>
  );
}
