import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { paths } from '../../routes.ts';
import { caller, may, signInAsked, signOut } from './session.ts';
import { type MadeToken, makeToken, TokenDialog } from './token-dialog.tsx';

/** Who has signed in, and the way out; nothing where there is nothing to sign in for. */
export function Who(): JSX.Element | null {
  const [made, setMade] = useState<MadeToken | null>(null);
  const who = caller.value;
  if (who?.canSignIn !== true) return null;
  if (who.kind === 'anonymous')
    return (
      <button
        type="button"
        class="quiet"
        onClick={() => {
          signInAsked.value = true;
        }}
      >
        Sign in
      </button>
    );
  return (
    <details class="who">
      <summary aria-label={`Signed in as ${who.name}`}>{who.name}</summary>
      <div class="who-menu">
        {may('admin') && <a href={paths.audit}>Audit log</a>}
        <button type="button" onClick={() => void makeToken(setMade)}>
          Token for the command line
        </button>
        <button type="button" onClick={() => signOut(false)}>
          Sign out
        </button>
        <button type="button" title="Ends all your sessions and tokens" onClick={() => signOut(true)}>
          Sign out everywhere
        </button>
      </div>
      {made !== null && <TokenDialog made={made} onClose={() => setMade(null)} />}
    </details>
  );
}
