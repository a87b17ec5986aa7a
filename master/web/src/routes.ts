/** What the page shows, by its address. */
export type Route =
  | { readonly view: 'waterfall' }
  | { readonly view: 'builders' }
  | { readonly view: 'builder'; readonly builder: string }
  | { readonly view: 'buildByNumber'; readonly builder: string; readonly number: number }
  | { readonly view: 'build'; readonly id: number }
  | { readonly view: 'log'; readonly id: number }
  | { readonly view: 'request'; readonly id: number }
  | { readonly view: 'queue' }
  | { readonly view: 'workers' }
  | { readonly view: 'locks' }
  | { readonly view: 'schedulers' }
  | { readonly view: 'console' }
  | { readonly view: 'grid' }
  | { readonly view: 'projects' }
  | { readonly view: 'about' }
  | { readonly view: 'audit' }
  | { readonly view: 'deliveries' }
  | { readonly view: 'changes' }
  | { readonly view: 'change'; readonly id: number }
  | { readonly view: 'unknown'; readonly path: string };

/** Addresses of the page's views. The master answers each of them with the page. */
export const paths = {
  waterfall: '/',
  builders: '/builders',
  builder: (name: string) => `/builders/${encodeURIComponent(name)}`,
  build: (id: number) => `/builds/${id}`,
  step: (id: number, step: number) => `/builds/${id}#step-${step}`,
  log: (id: number) => `/logs/${id}`,
  request: (id: number) => `/requests/${id}`,
  queue: '/queue',
  queueOf: (builder: string) => `/queue?builder=${encodeURIComponent(builder)}`,
  workers: '/workers',
  worker: (name: string) => `/workers#worker-${encodeURIComponent(name)}`,
  locks: '/locks',
  lock: (name: string) => `/locks#lock-${encodeURIComponent(name)}`,
  schedulers: '/schedulers',
  console: '/console',
  grid: '/grid',
  projects: '/projects',
  about: '/about',
  audit: '/audit',
  deliveries: '/deliveries',
  scheduler: (name: string) => `/schedulers#scheduler-${encodeURIComponent(name)}`,
  changes: '/changes',
  change: (id: number) => `/changes/${id}`,
} as const;

/** The view at a path (without query and hash). */
export function parseRoute(path: string): Route {
  const parts = path.split('/').filter((part) => part !== '');
  return routeOf(parts) ?? { view: 'unknown', path };
}

function routeOf(parts: readonly string[]): Route | null {
  const [room, name, ...rest] = parts;
  if (room === undefined) return { view: 'waterfall' };
  if (name === undefined) return listOf(room);
  switch (room) {
    case 'builders':
      return builderRoute(decode(name), rest);
    case 'builds':
      return withId('build', number(name), rest);
    case 'logs':
      return withId('log', number(name), rest);
    case 'requests':
      return withId('request', number(name), rest);
    case 'changes':
      return withId('change', number(name), rest);
    default:
      return null;
  }
}

function listOf(room: string): Route | null {
  switch (room) {
    case 'waterfall':
    case 'builders':
    case 'queue':
    case 'workers':
    case 'locks':
    case 'schedulers':
    case 'console':
    case 'grid':
    case 'projects':
    case 'about':
    case 'audit':
    case 'deliveries':
    case 'changes':
      return { view: room };
    default:
      return null;
  }
}

function builderRoute(builder: string | null, rest: readonly string[]): Route | null {
  if (builder === null) return null;
  if (rest.length === 0) return { view: 'builder', builder };
  const count = number(rest[1]);
  return rest.length === 2 && rest[0] === 'builds' && count !== null
    ? { view: 'buildByNumber', builder, number: count }
    : null;
}

function withId(
  view: 'build' | 'log' | 'request' | 'change',
  id: number | null,
  rest: readonly string[],
): Route | null {
  return id === null || rest.length > 0 ? null : { view, id };
}

function number(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    // A stray % in an address that somebody typed.
    return null;
  }
}
