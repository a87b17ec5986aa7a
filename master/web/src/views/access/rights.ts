import { caller } from './session.ts';

/** What the page offers to do, in the words of "you may not …". */
const DEEDS = {
  force: 'start builds',
  stop: 'stop builds and cancel requests',
  rebuild: 'build again',
  switchScheduler: 'switch schedulers on and off',
  pauseWorker: 'pause, resume and send away workers',
  reload: 'have pipelines read',
} as const;
export type Deed = keyof typeof DEEDS;

/** What a deed is about: these builders (all of them are needed), any builder there is, or the site as a whole. */
export type Scope = readonly string[] | 'any' | 'site';

/** Whether whoever looks may view every builder there is. */
export function maySeeAll(): boolean {
  return caller.value?.grants.some(({ permission, builders }) => permission === 'view' && builders === null) ?? false;
}

/**
 * Why whoever looks at the page may not do something; null: they may. The master decides in any case, so what the page
 * does not know yet is not refused here.
 */
export function refusalOf(deed: Deed, scope: Scope): string | null {
  const who = caller.value;
  if (who === null) return null;
  const granted = who.grants.find(({ permission }) => permission === deed);
  const builders = granted === undefined ? [] : granted.builders;
  if (builders === null) return null;
  if (scope === 'any' && builders.length > 0) return null;
  const missing = typeof scope === 'string' ? [] : scope.filter((name) => !builders.includes(name));
  if (typeof scope !== 'string' && missing.length === 0) return null;
  const of = missing.length === 0 ? '' : ` of ${missing.join(', ')}`;
  if (who.kind === 'anonymous') return `Sign in to ${DEEDS[deed]}${of}.`;
  return `${who.name ?? 'You'} may not ${DEEDS[deed]}${of}: the permission “${deed}” is needed. Ask whoever runs the site.`;
}
