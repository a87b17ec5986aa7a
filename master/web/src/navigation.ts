import { computed, signal } from '@preact/signals';
import { parseRoute } from './routes.ts';

/** The address, in parts. */
const address = signal({ path: location.pathname, search: location.search, hash: location.hash });

export const route = computed(() => parseRoute(address.value.path));
export const path = computed(() => address.value.path);
export const hash = computed(() => address.value.hash);
/** State of the view that is in the address, such as its filters. */
export const query = computed(() => new URLSearchParams(address.value.search));

function read(): void {
  address.value = { path: location.pathname, search: location.search, hash: location.hash };
}

/** Goes to an address of this page. */
export function navigate(href: string, options: { replace?: boolean } = {}): void {
  if (options.replace === true) history.replaceState(null, '', href);
  else history.pushState(null, '', href);
  read();
}

/** Changes single parts of the query; null takes one out. No new entry in the browser's history. */
export function setQuery(patch: Readonly<Record<string, string | null>>): void {
  const next = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null || value === '') next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString();
  navigate(`${location.pathname}${text === '' ? '' : `?${text}`}${location.hash}`, { replace: true });
}

/** Changes only what comes after the #. */
export function setHash(text: string): void {
  navigate(`${location.pathname}${location.search}${text === '' ? '' : `#${text}`}`, { replace: true });
}

/** Links inside the page go without a reload; everything else (other sites, downloads, new tabs) as ever. */
export function startNavigation(): void {
  addEventListener('popstate', read);
  addEventListener('hashchange', read);
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (link === null || link.target !== '' || link.hasAttribute('download')) return;
    const to = new URL(link.href, location.href);
    if (to.origin !== location.origin || to.pathname.startsWith('/api/')) return;
    event.preventDefault();
    navigate(`${to.pathname}${to.search}${to.hash}`);
  });
}
