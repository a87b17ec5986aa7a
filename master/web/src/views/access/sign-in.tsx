import type { JSX, TargetedSubmitEvent } from 'preact';
import { useState } from 'preact/hooks';
import { messageOf } from '../../ui/resource.ts';
import { signIn } from './session.ts';

/** Name and password, instead of what the page would show to somebody it knows. */
export function SignIn(): JSX.Element {
  const [failure, setFailure] = useState('');
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
    </main>
  );
}
