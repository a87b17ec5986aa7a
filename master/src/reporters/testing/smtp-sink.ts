import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { TLSSocket } from 'node:tls';

/** A mail that has arrived. */
export interface SunkMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Headers and body as they came, without the dots that protect lines. */
  readonly message: string;
  /** The body as people read it. */
  readonly text: string;
  /** Who has signed in, as `user password`; null: nobody. */
  readonly auth: string | null;
  readonly isEncrypted: boolean;
}

/** PEM texts. */
interface Tls {
  readonly cert: string;
  readonly key: string;
}

/** What the server says in place of its own answer: by the beginning of a command (`RCPT TO:<x`, `.` for the end of DATA). */
type Says = Readonly<Record<string, string>>;

interface Session {
  from: string;
  to: string[];
  data: string[] | null;
  auth: string | null;
  isEncrypted: boolean;
}

/**
 * For tests: a mail server that keeps what it is given, of RFC 5321 what a client needs that sends one mail: EHLO, STARTTLS (with
 * `tls`), AUTH PLAIN, MAIL, RCPT, DATA, RSET, QUIT. What it does not know it refuses.
 */
export class SmtpSink {
  readonly mails: SunkMail[] = [];
  says: Says = {};
  /** It takes mails and does not answer any more: it keeps them, and nobody knows. */
  isMute = false;
  readonly #tls: Tls | null;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;

  private constructor(tls: Tls | null) {
    this.#tls = tls;
  }

  static async start(tls: Tls | null = null): Promise<SmtpSink> {
    const sink = new SmtpSink(tls);
    await sink.listen(0);
    return sink;
  }

  get port(): number {
    const address = this.#server?.address();
    if (typeof address !== 'object' || address === null) throw new Error('the sink does not listen');
    return address.port;
  }

  async listen(port: number): Promise<void> {
    this.#server = createServer((socket) => this.#take(socket));
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  /** Nobody answers at its port any more. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server?.close();
    if (this.#server !== null) await once(this.#server, 'close');
  }

  #take(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    const session: Session = { from: '', to: [], data: null, auth: null, isEncrypted: false };
    this.#converse(socket, session);
    socket.write(`${this.says.greeting ?? '220 sink ESMTP'}\r\n`);
  }

  #converse(socket: Socket, session: Session): void {
    socket.on('error', () => socket.destroy());
    const lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY });
    lines.on('line', (line) => {
      const answer = session.data === null ? this.#answer(line, session) : this.#data(line, session, session.data);
      if (answer === null) return;
      socket.write(`${answer}\r\n`);
      if (/^STARTTLS/i.test(line) && answer.startsWith('220')) {
        lines.close();
        this.#encrypt(socket, session);
      }
      if (/^QUIT/i.test(line)) socket.end();
    });
  }

  #encrypt(socket: Socket, session: Session): void {
    socket.removeAllListeners('data');
    const secure = new TLSSocket(socket, { isServer: true, ...this.#tls });
    this.#converse(secure, Object.assign(session, { isEncrypted: true }));
  }

  #answer(line: string, session: Session): string | null {
    const said = Object.entries(this.says).find(([begin]) => line.toUpperCase().startsWith(begin.toUpperCase()));
    if (said !== undefined) return said[1];
    const [, verb = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(line) ?? [];
    const address = /^(?:FROM|TO):<([^<>\s]*)>/i.exec(rest)?.[1];
    switch (verb.toUpperCase()) {
      case 'EHLO':
        return ['250-sink', ...(this.#offersTls(session) ? ['250-STARTTLS'] : []), '250 AUTH PLAIN'].join('\r\n');
      case 'STARTTLS':
        return this.#offersTls(session) ? '220 go on' : '502 not here';
      case 'AUTH':
        session.auth = Buffer.from(rest.replace(/^PLAIN /i, ''), 'base64')
          .toString()
          .split('\0')
          .slice(1)
          .join(' ');
        return '235 welcome';
      case 'MAIL':
        session.from = address ?? '';
        return '250 ok';
      case 'RCPT':
        session.to.push(address ?? '');
        return '250 ok';
      case 'DATA':
        session.data = [];
        return '354 go on';
      case 'RSET':
      case 'QUIT':
        return '250 ok';
      default:
        return `500 ${verb} is not known here`;
    }
  }

  #offersTls({ isEncrypted }: Session): boolean {
    return this.#tls !== null && !isEncrypted;
  }

  #data(line: string, session: Session, data: string[]): string | null {
    if (line !== '.') {
      data.push(line.replace(/^\./, ''));
      return null;
    }
    session.data = null;
    const said = this.says['.'];
    if (said !== undefined) return said;
    const { from, to, auth, isEncrypted } = session;
    const message = data.join('\n');
    this.mails.push({ from, to: [...to], message, text: bodyOf(message), auth, isEncrypted });
    session.to = [];
    return this.isMute ? null : '250 kept';
  }
}

/** Decoded as RFC 2045, section 6, has it. */
function bodyOf(message: string): string {
  const at = message.indexOf('\n\n');
  const [head, body] = [message.slice(0, at), message.slice(at + 2)];
  if (/^Content-Transfer-Encoding: base64$/im.test(head)) return Buffer.from(body, 'base64').toString();
  if (!/^Content-Transfer-Encoding: quoted-printable$/im.test(head)) return body;
  const bytes = body
    .replace(/=\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_code, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}
