import type { Result } from '@icefall/shared';
import { escapeXml } from './cc-xml.ts';

interface Look {
  readonly word: string;
  /** Dark enough for white letters. */
  readonly colour: string;
}

const LOOKS: Readonly<Record<Result, Look>> = {
  SUCCESS: { word: 'success', colour: '#1d7a54' },
  WARNINGS: { word: 'warnings', colour: '#8f6004' },
  FAILURE: { word: 'failure', colour: '#c3301c' },
  SKIPPED: { word: 'skipped', colour: '#5d6771' },
  EXCEPTION: { word: 'exception', colour: '#8a3aa8' },
  RETRY: { word: 'retry', colour: '#5a55c0' },
  CANCELLED: { word: 'cancelled', colour: '#5d6771' },
};
const NONE: Look = { word: 'no builds', colour: '#5d6771' };
/** Width of a letter, pixels: the letters are stretched to what this makes of them, whatever the font. */
const LETTER = 6.4;
const PADDING = 7;

/** A badge as SVG: a label, and a result (null: nothing was built yet). */
export function badgeOf(label: string, result: Result | null): string {
  const { word, colour } = result === null ? NONE : LOOKS[result];
  const [left, right] = [label, word].map((text) => Math.round([...text].length * LETTER) + 2 * PADDING);
  const [a, b] = [left ?? 0, right ?? 0];
  const name = escapeXml(`${label}: ${word}`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${a + b}" height="20" role="img" aria-label="${name}">
<title>${name}</title>
<clipPath id="r"><rect width="${a + b}" height="20" rx="4"/></clipPath>
<g clip-path="url(#r)"><rect width="${a}" height="20" fill="#3d454d"/><rect x="${a}" width="${b}" height="20" fill="${colour}"/></g>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
${textAt(PADDING, a - 2 * PADDING, label)}
${textAt(a + PADDING, b - 2 * PADDING, word)}
</g>
</svg>
`;
}

function textAt(x: number, width: number, text: string): string {
  return `<text x="${x}" y="14" textLength="${width}" lengthAdjust="spacingAndGlyphs">${escapeXml(text)}</text>`;
}
