import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { question } from './actions.ts';
import { Dialog } from './dialog.tsx';

/** Asks before something is stopped, and why. */
export function QuestionDialog(): JSX.Element | null {
  const asked = question.value;
  const [reason, setReason] = useState('');
  if (asked === null) return null;
  const close = () => {
    question.value = null;
    setReason('');
  };
  return (
    <Dialog title={asked.title} name="question" onClose={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          asked.act(reason);
          close();
        }}
      >
        <p>{asked.text}</p>
        <div class="field">
          <label for="question-reason">Reason</label>
          <input
            id="question-reason"
            name="reason"
            value={reason}
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        </div>
        <div class="buttons">
          <button type="button" onClick={close}>
            Keep it
          </button>
          <button type="submit" class="primary danger">
            {asked.button}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
