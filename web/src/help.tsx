import {useEffect, useRef, useState} from 'react';

import {keysOn, setKeysOn} from './keys';

const kKeys: [string[], string][] = [
  [['g', 'a'], 'First dashboard'],
  [['g', 'l'], 'Live'],
  [['g', 'p'], 'A person'],
  [['g', 'q'], 'Quarantine'],
  [['g', 's'], 'SQL'],
  [['/'], 'Go to the filter'],
  [['←', '→'], 'Move the cursor of a chart that has the focus, and speak the value'],
  [['Home', 'End'], 'First and last window of a chart'],
  [['t'], 'Show or hide the table of a chart'],
  [['c'], 'Copy a panel as CSV'],
  [['x'], 'Compare with the period before, or not'],
  [['Esc'], 'Close what is open'],
  [['?'], 'This list'],
];

// The list of keys. Single keys can be switched off, for those whose tools type them by accident.
export function Help({onClose}: {onClose: () => void}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [on, setOn] = useState(keysOn);
  useEffect(() => {
    const element = dialog.current!;
    element.showModal();
    return () => element.close();
  }, []);
  return (
    <dialog ref={dialog} className="help" aria-labelledby="help-title" onClose={onClose} onCancel={onClose}>
      <h2 id="help-title">Keys</h2>
      <dl>
        {kKeys.map(([keys, what]) => (
          <div key={what}><dt>{keys.map((key) => <kbd key={key}>{key}</kbd>)}</dt><dd>{what}</dd></div>
        ))}
      </dl>
      <label className="check">
        <input type="checkbox" checked={on} onChange={(event) => { setOn(event.target.checked); setKeysOn(event.target.checked); }} />
        Single keys are on
      </label>
      <button type="button" className="button" onClick={onClose}>Close</button>
    </dialog>
  );
}
