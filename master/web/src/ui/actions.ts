import { signal } from '@preact/signals';
import { messageOf } from './resource.ts';

/** What the page has to say about something that was done; read out by screen readers. */
export const notice = signal<{ readonly text: string; readonly bad: boolean; readonly href?: string } | null>(null);
/** Long enough to read a sentence and to reach its link. */
const NOTICE_MS = 8000;
let timer: ReturnType<typeof setTimeout> | undefined;

export function tell(text: string, options: { bad?: boolean; href?: string } = {}): void {
  notice.value = { text, bad: options.bad ?? false, ...(options.href === undefined ? {} : { href: options.href }) };
  clearTimeout(timer);
  timer = setTimeout(() => {
    notice.value = null;
  }, NOTICE_MS);
}

/** Does something at the master, and tells how it went. */
export async function perform(work: () => Promise<unknown>, done: string): Promise<void> {
  try {
    await work();
    tell(done);
  } catch (cause) {
    tell(messageOf(cause), { bad: true });
  }
}

/** A question that needs an answer before something is done. */
export interface Question {
  readonly title: string;
  readonly text: string;
  readonly button: string;
  act(reason: string): void;
}
export const question = signal<Question | null>(null);
/** Builder whose forms are open, or one scheduler's form; null: none. */
export const forcing = signal<{ readonly builder: string | null; readonly scheduler: string | null } | null>(null);
export const helpOpen = signal(false);
export const paletteOpen = signal(false);
