// The sample of a series: a short line in its colour and dash pattern.

import type {Look} from '../chart/look';

const kSvg = 'http://www.w3.org/2000/svg';

export function swatch(look: Look): SVGElement {
  const svg = document.createElementNS(kSvg, 'svg');
  svg.setAttribute('class', `swatch series-${look.colour}`);
  svg.setAttribute('viewBox', '0 0 18 8');
  svg.setAttribute('preserveAspectRatio', 'xMinYMid slice');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(kSvg, 'path');
  line.setAttribute('d', 'M0 4h18');
  if (look.dash.length > 0) line.setAttribute('stroke-dasharray', look.dash.join(' '));
  svg.append(line);
  return svg;
}

// The same where React draws.
export function Sample({look}: {look: Look}) {
  return (
    <svg className={`swatch series-${look.colour}`} viewBox="0 0 18 8" preserveAspectRatio="xMinYMid slice" aria-hidden="true">
      <path d="M0 4h18" strokeDasharray={look.dash.length > 0 ? look.dash.join(' ') : undefined} />
    </svg>
  );
}
