import { readFile } from 'node:fs/promises';
import { createTransport } from 'nodemailer';
import { DeliveryError, type Mail } from './transport.ts';

/** For each of: to connect, to be greeted, and between two answers. The whole is limited by the courier. */
const ANSWER_LIMIT_MS = 20_000;

/** Hands a mail to its server. */
export async function sendMail(mail: Mail, signal: AbortSignal): Promise<string | null> {
  const { server, password, headers, from, to, subject, text, messageId } = mail;
  const transport = createTransport({
    ...{ host: server.host, port: server.port },
    ...{ secure: server.tls === 'tls', requireTLS: server.tls === 'startTls', ignoreTLS: server.tls === 'none' },
    ...(server.ca === null ? {} : { tls: { ca: await authority(server.ca) } }),
    ...(server.user === null ? {} : { auth: { user: server.user, pass: password ?? '' } }),
    ...{ connectionTimeout: ANSWER_LIMIT_MS, greetingTimeout: ANSWER_LIMIT_MS, socketTimeout: ANSWER_LIMIT_MS },
    // A text that names a file or an address is a text.
    ...{ disableFileAccess: true, disableUrlAccess: true },
  });
  try {
    const sent = await transport.sendMail({ from, to: [...to], subject, text, messageId, headers, signal });
    return sent.rejected.length === 0 ? null : `the server refused ${sent.rejected.join(', ')}`;
  } catch (error) {
    throw new DeliveryError(codeOf(error), describe(error), { cause: error });
  } finally {
    transport.close();
  }
}

async function authority(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new DeliveryError('down', `option "server.ca": ${describe(error)}`, { cause: error });
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What was refused is told by a 5xx answer to the envelope or the message (RFC 5321, 4.2.1); who may send, by EAUTH. */
function codeOf(error: unknown): DeliveryError['code'] {
  const { code, responseCode } = error instanceof Error ? fieldsOf(error) : { code: null, responseCode: null };
  if (code !== 'EENVELOPE' && code !== 'EMESSAGE') return 'down';
  return typeof responseCode === 'number' && responseCode >= 500 ? 'refused' : 'failed';
}

function fieldsOf(error: Error): { readonly code: unknown; readonly responseCode: unknown } {
  return { code: Reflect.get(error, 'code'), responseCode: Reflect.get(error, 'responseCode') };
}
