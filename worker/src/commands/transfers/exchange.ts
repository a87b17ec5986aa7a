import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { transferPath, WORKER_NAME_HEADER } from '@icefall/shared';
import { z } from 'zod';
import { Failure, messageOf, systemWords } from '../../failure.ts';
import type { CommandContext } from '../context.ts';

/** A connection on which nothing moves for this long is given up and the transfer begun again. */
const SILENCE_MS = 60_000;
/** Of an answer that says what is wrong. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** Answers that may be others next time; all else from 400 on is final. */
const WORTH_ANOTHER_TRY = new Set([408, 421, 425, 429, 500, 502, 503, 504]);

/** A transfer that failed in a way that may pass: it is tried again. */
export class PassingFailure extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PassingFailure';
  }
}

interface Exchange {
  readonly method: 'GET' | 'PUT';
  readonly headers?: OutgoingHttpHeaders;
  /** Throws {@link Failure} for what is wrong on this side. */
  readonly body?: Readable;
}

/**
 * One HTTP exchange about the command's file. Resolves with an answer of 2xx, whose body the caller reads. Throws
 * {@link PassingFailure}, or {@link Failure} `transfer_refused` where the master says no.
 */
export async function exchange(context: CommandContext, { method, headers, body }: Exchange): Promise<IncomingMessage> {
  const { baseUrl, workerName, token, tls } = context.transfers;
  const url = new URL(`${baseUrl}${transferPath(context.commandId)}?epoch=${context.epoch}`);
  const open = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const request = open(url, {
    method,
    headers: { authorization: `Bearer ${token}`, [WORKER_NAME_HEADER]: workerName, ...headers },
    signal: context.stop,
    ...tls?.options(),
  });
  request.setTimeout(SILENCE_MS, () => request.destroy(new Error(`nothing moved for ${SILENCE_MS / 1000} s`)));
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.on('error', (error) => reject(new PassingFailure(systemWords(error), { cause: error })));
  });
  const sent = body === undefined ? endWithout(request) : send(body, request);
  // Both are looked at below; one that fails after the other has decided is no news.
  answered.catch(() => {});
  sent.catch(() => {});
  // Whichever is first: a master that says no does not wait for the whole file.
  await Promise.race([answered, sent]);
  const answer = await answered;
  const status = answer.statusCode ?? 0;
  if (status < 200 || status > 299) throw await refusal(answer, status);
  await sent;
  return answer;
}

function endWithout(request: { end(): void }): Promise<void> {
  request.end();
  return Promise.resolve();
}

async function send(body: Readable, request: NodeJS.WritableStream): Promise<void> {
  try {
    await pipeline(body, request);
  } catch (error) {
    // A broken connection is told by the request itself, which knows whether an answer came before.
    if (error instanceof Failure) throw error;
  }
}

const answerSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

async function refusal(answer: IncomingMessage, status: number): Promise<Error> {
  const said = whatItSays(await beginning(answer));
  const message = `the master answered ${status}${said === '' ? '' : `: ${said}`}`;
  return WORTH_ANOTHER_TRY.has(status) ? new PassingFailure(message) : new Failure('transfer_refused', message);
}

async function beginning(answer: IncomingMessage): Promise<string> {
  let text = '';
  try {
    for await (const piece of answer.setEncoding('utf8')) {
      text += String(piece);
      if (text.length > MAX_ANSWER_BYTES) break;
    }
  } catch (error) {
    return text === '' ? messageOf(error) : text;
  }
  return text.slice(0, MAX_ANSWER_BYTES);
}

function whatItSays(text: string): string {
  try {
    return answerSchema.parse(JSON.parse(text)).error.message;
  } catch {
    // Not from the master itself but from something on the way.
    return text.trim().slice(0, 200);
  }
}
