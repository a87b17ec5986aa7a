import { useEffect } from 'preact/hooks';
import { store } from '../store/index.ts';
import { GLYPHS, type Look } from './look.ts';

const PLAIN_ICON = '/icefall.svg';
/** Colours of the icon in a browser's tab, which knows no style sheet. */
const COLOURS: Readonly<Partial<Record<Look, string>>> = {
  SUCCESS: '#1d8a60',
  WARNINGS: '#b57a06',
  FAILURE: '#c3301c',
  EXCEPTION: '#8a3aa8',
  RUNNING: '#1d6bce',
};

/** Names the tab after what is watched (null: somebody else does); a state gives it a sign and the icon its colour. */
export function useTitle(name: string | null, look: Look | null = null): void {
  const site = store.status.value?.title ?? 'Icefall';
  useEffect(() => {
    if (name === null) return;
    document.title = `${look === null ? '' : `${GLYPHS[look]} `}${name} · ${site}`;
    setIcon(look === null ? PLAIN_ICON : iconOf(look));
    // Whoever had no colour to show has none to take back: another's may be there already.
    return look === null ? undefined : () => setIcon(PLAIN_ICON);
  }, [name, look, site]);
}

function setIcon(href: string): void {
  document.querySelector('link[rel=icon]')?.setAttribute('href', href);
}

function iconOf(look: Look): string {
  const colour = COLOURS[look] ?? '#7d8791';
  const circle = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="14" fill="${colour}"/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(circle)}`;
}
