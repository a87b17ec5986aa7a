import type { Caller } from '@icefall/shared';
import { computed, effect, signal } from '@preact/signals';
import { api } from '../../api/endpoints.ts';
import { csrf, signInNeeded } from '../../api/standing.ts';
import { live } from '../../store/index.ts';
import { perform } from '../../ui/actions.ts';

/** Who the master takes the page for; null until it has said so. */
export const caller = signal<Caller | null>(null);
/** Somebody who is let in without a name wants to give it, or comes back from where they tried to. */
export const signInAsked = signal(new URLSearchParams(location.search).has('signIn'));
export const isSignInWanted = computed(
  () =>
    caller.value?.canSignIn === true && caller.value.kind === 'anonymous' && (signInNeeded.value || signInAsked.value),
);

/** Finds out who the page acts for, again whenever it has lost the master: the session may be what was lost. */
export function startSession(): void {
  void learn();
  effect(() => {
    if (live.connection.value.state === 'reconnecting') void learn();
  });
}

async function learn(): Promise<void> {
  try {
    know(await api.caller());
  } catch {
    // The master cannot be reached, which the page says anyway; it is asked again with the next attempt.
  }
}

function know(told: Caller): void {
  csrf.value = told.csrf;
  caller.value = told;
  signInNeeded.value = told.kind === 'anonymous' && !told.grants.some(({ permission }) => permission === 'view');
}

/** Rejects with the master's word where it does not let somebody in. */
export async function signIn(user: string, password: string): Promise<void> {
  await api.signIn(user, password);
  // Everything that the page holds is what somebody else may view.
  location.reload();
}

export function signOut(everywhere: boolean): void {
  void perform(async () => {
    const { next } = await api.signOut(everywhere);
    if (next === null) location.reload();
    // What a provider remembers would let the next person at this screen in.
    else location.assign(next);
  }, 'Signed out.');
}

export function may(permission: string): boolean {
  return caller.value?.grants.some((grant) => grant.permission === permission) ?? false;
}
