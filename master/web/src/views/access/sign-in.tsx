import type { JSX, TargetedSubmitEvent } from 'preact';
import { useState } from 'preact/hooks';
import { messageOf } from '../../ui/resource.ts';
import { caller, signIn } from './session.ts';

/** Why somebody who has been elsewhere to sign in is back without it, by the master's code. */
const RETURNED: Readonly<Record<string, string>> = {
  bad_login: 'You have signed in there, but this site does not let you in.',
  sign_in_cancelled: 'The sign-in was called off.',
  sign_in_expired: 'That took too long, or began in another window; sign in again.',
  sign_in_unavailable: 'Nobody can sign in there at this moment; try again in a while.',
  too_many_attempts: 'Too many failed attempts; wait a quarter of an hour.',
};

function returnedWith(): string {
  const code = new URLSearchParams(location.search).get('signIn');
  return code === null ? '' : (RETURNED[code] ?? 'That did not work; sign in again.');
}

/** Name and password, instead of what the page would show to somebody it knows. */
export function SignIn(): JSX.Element {
  const [failure, setFailure] = useState(returnedWith);
  const [isAsking, setAsking] = useState(false);
  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const values = new FormData(event.currentTarget);
    setAsking(true);
    try {
      await signIn(String(values.get('user')), String(values.get('password')));
    } catch (cause) {
      setFailure(messageOf(cause));
      setAsking(false);
    }
  };
  return (
    <main class="page sign-in" data-page="sign-in">
      <h1>Sign in</h1>
      <form onSubmit={(event) => void submit(event)}>
        <div class="field">
          <label for="sign-in-user">Name</label>
          <input id="sign-in-user" name="user" autocomplete="username" autocapitalize="none" required autofocus />
        </div>
        <div class="field">
          <label for="sign-in-password">Password</label>
          <input id="sign-in-password" name="password" type="password" autocomplete="current-password" required />
        </div>
        <p class="bad" role="alert">
          {failure}
        </p>
        <button type="submit" class="primary" disabled={isAsking}>
          {isAsking ? 'Signing in …' : 'Sign in'}
        </button>
      </form>
      <Providers />
    </main>
  );
}

/** Ways in that lead elsewhere first, and back to where one is now. */
function Providers(): JSX.Element | null {
  const providers = caller.value?.providers ?? [];
  if (providers.length === 0) return null;
  const here = new URL(location.href);
  here.searchParams.delete('signIn');
  const to = encodeURIComponent(`${here.pathname}${here.search}${here.hash}`);
  return (
    <p class="providers">
      {providers.map(({ name, title }) => (
        <a key={name} class="button" href={`/api/v1/session/with/${name}?to=${to}`}>
          Sign in with {title}
        </a>
      ))}
    </p>
  );
}
