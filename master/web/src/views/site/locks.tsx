import type { Lock, LockHolder, LockUse } from '@icefall/shared';
import type { JSX } from 'preact';
import { api } from '../../api/endpoints.ts';
import { paths } from '../../routes.ts';
import { store } from '../../store/index.ts';
import { BuildLink, Empty, For, Page } from '../../ui/parts.tsx';
import { useKept, useResource } from '../../ui/resource.ts';
import { type Stretch, Strip, stripBegin } from '../../ui/strip.tsx';

/** All locks: who holds them, and who is to have them next. */
export function Locks(): JSX.Element {
  const locks = store.locks.all.value;
  // Again when any holder is another one: a use is on record when it is over.
  const holders = locks.flatMap(({ name, holders }) =>
    holders.map((one) => `${name} ${one.buildId} ${one.stepNumber}`),
  );
  const uses = useKept(useResource(holders.join(), () => api.lockUses(stripBegin())))?.uses ?? [];
  return (
    <Page name="locks" title="Locks">
      {locks.length === 0 && <Empty>The site declares no locks.</Empty>}
      <div class="tiles wide">
        {locks.map((lock) => (
          <Tile key={lock.name} lock={lock} uses={uses.filter((use) => use.lock === lock.name)} />
        ))}
      </div>
    </Page>
  );
}

function stateOf(lock: Lock): 'free' | 'exclusive' | 'shared' {
  if (lock.holders.length === 0) return 'free';
  return lock.holders.some((holder) => holder.mode === 'exclusive') ? 'exclusive' : 'shared';
}

/** Whoever holds a path of a tree shares what is above it. */
function stateInWords(lock: Lock, state: ReturnType<typeof stateOf>): string {
  if (state === 'free') return 'free';
  if (state === 'exclusive') return 'held exclusively';
  const held = lock.holders.reduce((sum, holder) => sum + holder.count, 0);
  return lock.ofPaths === true ? `paths of it held: ${held}` : `held by ${held} of ${lock.maxCount}`;
}

function Tile({ lock, uses }: { lock: Lock; uses: readonly LockUse[] }): JSX.Element {
  const state = stateOf(lock);
  return (
    <article class="tile" id={`lock-${encodeURIComponent(lock.name)}`} data-lock={lock.name} data-state={state}>
      <header>
        <h2>{lock.name}</h2>
        <span class={`state-word ${state}`}>{stateInWords(lock, state)}</span>
        <span class="spring" />
        <span class="dim">
          {lock.ofPaths === true ? 'lock of paths' : `${lock.scope} lock, at most ${lock.maxCount}`}
        </span>
      </header>
      <Strip what={`${lock.name} was held`} stretches={[...uses, ...lock.holders].map((use) => stretchOf(lock, use))} />
      {lock.holders.length > 0 && (
        <ul class="plain holders" aria-label="Holders">
          {lock.holders.map((holder) => (
            <li key={`${holder.buildId}.${holder.stepNumber}`} data-build-id={holder.buildId} data-mode={holder.mode}>
              <BuildLink id={holder.buildId} label={`${holder.builder} #${holder.buildNumber}`} />{' '}
              {holder.stepNumber !== null && (
                <a href={paths.step(holder.buildId, holder.stepNumber)}>{holder.stepName}</a>
              )}{' '}
              <span class="dim">
                {holder.mode}
                {holder.count > 1 && ` × ${holder.count}`} <For since={holder.since} />
              </span>
            </li>
          ))}
        </ul>
      )}
      {lock.waiters.length > 0 && <Waiters lock={lock} />}
    </article>
  );
}

function stretchOf(lock: Lock, use: LockHolder & { readonly until?: number }): Stretch {
  const step = use.stepName === null ? '' : ` (${use.stepName})`;
  return {
    from: use.since,
    to: use.until ?? null,
    title: `${use.builder} #${use.buildNumber}${step}, ${use.mode}`,
    share: use.mode === 'exclusive' ? 1 : Math.max(0.3, Math.min(1, use.count / lock.maxCount)),
  };
}

function Waiters({ lock }: { lock: Lock }): JSX.Element {
  return (
    <ol class="plain waiters hatched" aria-label="Waiting, in the order of their turn">
      {lock.waiters.map((waiter) => (
        <li
          key={`${waiter.buildId}.${waiter.requestId}.${waiter.stepNumber}`}
          data-position={waiter.position}
          data-build-id={waiter.buildId ?? undefined}
          data-request-id={waiter.requestId ?? undefined}
        >
          <b class="num">{waiter.position}.</b>{' '}
          {waiter.buildId !== null ? (
            <BuildLink id={waiter.buildId} label={`${waiter.builder} #${waiter.buildNumber}`} />
          ) : (
            <a href={waiter.requestId === null ? paths.queue : paths.request(waiter.requestId)}>{waiter.builder}</a>
          )}{' '}
          {waiter.stepName}{' '}
          <span class="dim">
            {waiter.mode}
            {waiter.count > 1 && ` × ${waiter.count}`} <For since={waiter.since} />
          </span>
        </li>
      ))}
    </ol>
  );
}
