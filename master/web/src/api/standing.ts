import { signal } from '@preact/signals';

/** What a change shows beside the session's cookie: only a page of the master can know it. Null: there is no session. */
export const csrf = signal<string | null>(null);
/** The master has said that it does not answer somebody whom it does not know. */
export const signInNeeded = signal(false);
