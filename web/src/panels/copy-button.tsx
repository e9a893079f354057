import {useEffect, useState} from 'react';

import {copy} from '../clipboard';

// Copies, and says so where it was pressed.
export function CopyButton({text, what, label = 'Copy'}: {text: string; what: string; label?: string}) {
  const [said, setSaid] = useState<'' | 'Copied' | 'Not copied'>('');
  useEffect(() => {
    if (said === '') return;
    const timer = setTimeout(() => setSaid(''), 1_500);
    return () => clearTimeout(timer);
  }, [said]);
  return (
    <button
      type="button" className="quiet copy" aria-label={`Copy ${what}`}
      onClick={() => void copy(text, what).then((done) => setSaid(done ? 'Copied' : 'Not copied'))}
    >
      {said || label}
    </button>
  );
}
