import type { SendChange } from '@icefall/shared';
import type { HookSettings } from './settings.ts';
import type { Spool } from './spool.ts';

/** A master that is there answers in milliseconds; somebody waits for the push to end. */
const LONGEST_REQUEST_MS = 10_000;
/** Statuses that say that this change will never be taken. */
const REFUSALS = [400, 413, 422];
const LONGEST_REASON = 300;

/** What became of one change. */
export type Sent =
  | { readonly outcome: 'taken' }
  /** It will never be taken. */
  | { readonly outcome: 'refused'; readonly why: string }
  /** It may be taken later. */
  | { readonly outcome: 'failed'; readonly why: string };

/** What became of the changes that waited. */
export interface FlushReport {
  /** Changes that the master took. */
  readonly sent: number;
  /** Changes that it refused, and why; they are put aside. */
  readonly refused: readonly string[];
  /** Changes that still wait. */
  readonly left: number;
  /** Why they do. */
  readonly why: string | null;
}

/** Sends what waits, in order, until the master fails or `signal` says that it is enough. */
export async function flush(spool: Spool, settings: HookSettings, signal: AbortSignal): Promise<FlushReport> {
  const refused: string[] = [];
  let sent = 0;
  for (const name of spool.waiting()) {
    const change = readOrRefuse(spool, name);
    if (change === null) continue;
    if (typeof change === 'string') {
      refused.push(change);
      continue;
    }
    const answer = await send(settings.url, change, signal);
    if (answer.outcome === 'failed') return { sent, refused, left: spool.waiting().length, why: answer.why };
    if (answer.outcome === 'taken') {
      spool.forget(name);
      sent += 1;
    } else {
      spool.refuse(name);
      refused.push(`the master refuses the push to ${change.branch}: ${answer.why}`);
    }
  }
  return { sent, refused, left: 0, why: null };
}

/** A change, or what to say of one that cannot be read: it must not keep the others from being sent. */
function readOrRefuse(spool: Spool, name: string): SendChange | string | null {
  try {
    return spool.read(name);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    spool.refuse(name);
    return `the kept change ${name} cannot be read; it is put aside`;
  }
}

/** Tells the master of one change. */
export async function send(url: string, change: SendChange, signal: AbortSignal): Promise<Sent> {
  let response: Response;
  try {
    response = await fetch(`${url}/api/v1/changes`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(change),
      // Followed, a POST may become a GET that succeeds.
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(LONGEST_REQUEST_MS)]),
    });
    const text = await response.text();
    return judge(response, text);
  } catch (error) {
    return { outcome: 'failed', why: reasonOf(error) };
  }
}

function judge(response: Response, text: string): Sent {
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  if (response.ok && isJson) return { outcome: 'taken' };
  if (response.ok) return { outcome: 'failed', why: 'what answers there is not the master' };
  const why = `it answers ${response.status}: ${messageIn(text)}`.slice(0, LONGEST_REASON);
  return { outcome: isJson && REFUSALS.includes(response.status) ? 'refused' : 'failed', why };
}

/** The message of an error as the API has it, or the text's first line. */
function messageIn(text: string): string {
  try {
    const message: unknown = JSON.parse(text)?.error?.message;
    if (typeof message === 'string') return oneLine(message);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return oneLine(text);
}

/** fetch says "fetch failed" and has the reason below. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'no answer in time';
  const cause = error.cause instanceof Error ? error.cause : error;
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  return oneLine(cause.message === '' ? code : cause.message);
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, LONGEST_REASON);
}
