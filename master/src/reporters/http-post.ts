import { DeliveryError, type Post } from './transport.ts';

/** Of an answer, as much is read to tell what is wrong; the rest is let go. */
const MOST_ANSWER_BYTES = 4096;
/** Statuses of the present, not of the request: RFC 9110, RFC 8470 and RFC 6585. */
const MAY_PASS = new Set([408, 425, 429]);

/** Sends a request. Redirects are not followed: where it goes is the site's to say. */
export async function sendPost({ url, headers, body, toldBefore }: Post, signal: AbortSignal): Promise<null> {
  const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal }).catch(
    (error: unknown) => {
      throw new DeliveryError('down', `${addressOf(url)} does not answer: ${causeOf(error)}`, { cause: error });
    },
  );
  const { status } = response;
  const answer = await beginningOf(response);
  if (response.ok || (status === 400 && toldBefore !== undefined && answer.includes(toldBefore))) return null;
  throw new DeliveryError(codeOf(response), `${addressOf(url)} answered ${status}: ${answer || 'nothing more'}`);
}

function codeOf({ status, headers }: Response): DeliveryError['code'] {
  // The token is wrong: mending it helps all that wait.
  if (status === 401) return 'down';
  // GitHub says 403 of too many requests, too, and then until when; else it is about this request.
  const isForNow = headers.has('retry-after') || headers.get('x-ratelimit-remaining') === '0';
  return status >= 500 || MAY_PASS.has(status) || isForNow ? 'failed' : 'refused';
}

/** Without the query: it may hold what is nobody's business. */
function addressOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

/** The system's words, which fetch puts below its own "fetch failed". */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}

/** What is said of it is worth having, but the status tells all that counts: an answer that breaks off is as good. */
async function beginningOf(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const piece of response.body ?? []) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes >= MOST_ANSWER_BYTES) break;
    }
  } catch (error) {
    pieces.push(Buffer.from(` (${causeOf(error)})`));
  }
  return Buffer.concat(pieces).subarray(0, MOST_ANSWER_BYTES).toString('utf8').trim();
}
