import type { JSX } from 'preact';
import { api } from '../../api/endpoints.ts';
import { perform } from '../../ui/actions.ts';
import { Dialog } from '../../ui/dialog.tsx';

/** A token that the master has made: it tells it this once. */
export interface MadeToken {
  readonly token: string;
  readonly expiresAt: number;
}

/** Has a token made that may do whatever its person may. */
export function makeToken(show: (made: MadeToken) => void): Promise<void> {
  return perform(async () => show(await api.createToken('command line')), 'A token was made.');
}

/** The token, and what to do with it. */
export function TokenDialog({ made, onClose }: { made: MadeToken; onClose: () => void }): JSX.Element {
  return (
    <Dialog title="Token for the command line" name="token" onClose={onClose}>
      <p>
        Whoever has it may do what you may, until {new Date(made.expiresAt).toLocaleDateString()}. It is shown this
        once; <code>icefall login --with-token</code> asks for it.
      </p>
      <div class="field">
        <label for="made-token">Token</label>
        <input id="made-token" value={made.token} readOnly onFocus={(event) => event.currentTarget.select()} />
      </div>
      <div class="buttons">
        <button type="button" class="primary" onClick={() => void perform(() => copied(made), 'Copied.')}>
          Copy
        </button>
      </div>
    </Dialog>
  );
}

/** The browser's clipboard is there on this machine and behind TLS only. */
function copied({ token }: MadeToken): Promise<void> {
  if (navigator.clipboard === undefined)
    return Promise.reject(new Error('the browser does not let a page without TLS copy; mark it and copy it yourself'));
  return navigator.clipboard.writeText(token);
}
