import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { Access } from '../access/access.ts';
import type { Certificate } from '../access/certificate.ts';
import { limitConnections } from '../access/connections.ts';
import { isProxy } from '../access/proxies.ts';
import { EventStream } from '../events/stream.ts';
import { Views } from '../events/views.ts';
import { auditDenial } from './acting.ts';
import { admitted } from './authorization.ts';
import { MOST_BODY_BYTES, takeJsonOnly } from './body.ts';
import { recognise } from './caller.ts';
import { compressAnswers } from './compression.ts';
import type { Door } from './door.ts';
import { answerOfError, HttpProblem } from './errors.ts';
import { LogFollowers } from './log-followers.ts';
import type { MasterPort } from './master-port.ts';
import { openApiDocument } from './openapi.ts';
import { servePage } from './page.ts';
import type { Route } from './route.ts';
import { ROUTES } from './routes/all.ts';
import { noteRefusedHook } from './routes/hooks.ts';
import { SearchTurns } from './search-turns.ts';
import { guard, SECURITY_HEADERS } from './security.ts';
import { SseStreams } from './sse.ts';
import { CONNECTIONS_CHECK_MS, limitTraffic, MOST_CONNECTIONS } from './traffic.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Name of the route's operation. */
    operation?: string;
  }
}

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = 8010;
/** A request, head and body, comes within this time or not at all: 25 MiB over a slow line, and an end for who never finishes. */
const REQUEST_TIMEOUT_MS = 120_000;
/** Longest part of an address: a name of 100 characters, each escaped. */
const MOST_PARAM_LENGTH = 400;

/** Answers of 5xx that tell no mistake of ours. */
const EXPECTED_OF_A_SERVER = new Set(['too_many_streams', 'not_ready', 'sign_in_unavailable']);

/** The server could not listen. */
class ListenError extends Error {
  readonly code = 'listen';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ListenError';
  }
}

export interface HttpOptions {
  /** Address to listen on; default {@link DEFAULT_HOST}, so that nobody elsewhere reaches it. */
  readonly host?: string;
  /** Default {@link DEFAULT_PORT}; 0 takes a free one. */
  readonly port?: number;
  /** Where the built page is: `master/web/dist`. */
  readonly pageDirectory: string;
  /** What whoever runs the master shows to be let in, from its machine; default: nothing is. */
  readonly operatorToken?: string;
  /** Makes it HTTPS. Default: plain HTTP, for this machine or a proxy. */
  readonly certificate?: Certificate | undefined;
  /** The option that sets the port, for the message where it is taken; default `--port`. */
  readonly portOption?: string;
}

export interface HttpServer {
  readonly url: string;
  readonly port: number;
  /** Ends all streams and connections. */
  close(): Promise<void>;
}

/** Serves the page, the API and the event stream of a master. Throws {@link ListenError}. */
export async function startHttpServer(master: MasterPort, options: HttpOptions): Promise<HttpServer> {
  const { host = DEFAULT_HOST, port = DEFAULT_PORT, portOption = '--port' } = options;
  const { pageDirectory, operatorToken, certificate } = options;
  const { app, door } = await buildServer(master, { host, pageDirectory, operatorToken, certificate });
  door.access.signIns.start();
  try {
    await app.listen({ host, port });
  } catch (error) {
    door.access.signIns.stop();
    await app.close();
    throw listenError(error, host, port, portOption);
  }
  const { port: taken } = app.server.address() as AddressInfo;
  return {
    url: urlOf(host, taken, certificate !== undefined),
    port: taken,
    async close() {
      door.access.signIns.stop();
      door.stream.close();
      door.sse.close();
      await app.close();
    },
  };
}

function listenError(error: unknown, host: string, port: number, option: string): ListenError {
  const code = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  const why =
    code === 'EADDRINUSE'
      ? `port ${port} on ${host} is taken by another program; end that, or choose another port with ${option}`
      : `the page cannot be served on ${host}, port ${port}: ${error instanceof Error ? error.message : String(error)}`;
  return new ListenError(why, { cause: error });
}

function urlOf(host: string, port: number, isSecure: boolean): string {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `${isSecure ? 'https' : 'http'}://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/** The server with all its routes, not listening yet. */
export async function buildServer(
  master: MasterPort,
  options: Pick<HttpOptions, 'pageDirectory' | 'certificate'> & {
    readonly host: string;
    readonly operatorToken?: string | undefined;
  },
): Promise<{ app: FastifyInstance; door: Door }> {
  const app = fastify({
    logger: false,
    ...(options.certificate === undefined ? {} : { serverFactory: secureServer(options.certificate) }),
    bodyLimit: MOST_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: MOST_PARAM_LENGTH },
    forceCloseConnections: true,
    // Who asks, and by which protocol: of proxies that the site believes only, whichever it names now.
    trustProxy: (address) => isProxy(master.config.site.access, address),
    http: { connectionsCheckingInterval: CONNECTIONS_CHECK_MS },
    // Found before any hook runs: an address that cannot be decoded.
    frameworkErrors: (error, request, reply) => answerError(master, error, request, reply.headers(SECURITY_HEADERS)),
    clientErrorHandler: answerBrokenHttp,
  });
  const door = doorOf(
    master,
    () => addressOf(app, options.host, options.certificate !== undefined),
    options.operatorToken ?? null,
  );
  guard(app, { host: options.host, siteUrl: () => master.config.site.url });
  limitConnections(app.server, MOST_CONNECTIONS, () => master.config.site.access);
  limitTraffic(app, master.core.clock);
  takeJsonOnly(app);
  compressAnswers(app);
  app.setErrorHandler((error, request, reply) => {
    auditDenial(master, request, error);
    answerError(master, error, request, reply);
  });
  for (const route of ROUTES.filter((candidate) => candidate.rawBody !== true)) register(app, route, door);
  await app.register(async (hooks) => {
    hooks.removeAllContentTypeParsers();
    hooks.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    hooks.setErrorHandler((error, request) => {
      noteRefusedHook(master, request, error);
      throw error;
    });
    for (const route of ROUTES.filter((candidate) => candidate.rawBody === true)) register(hooks, route, door);
  });
  serveOpenApi(app, master.version);
  await serveTheRest(app, options.pageDirectory);
  return { app, door };
}

/** What fastify sets on servers of its own making is set here. */
function secureServer(certificate: Certificate): (handler: RequestListener) => Server {
  return (handler) => {
    const server = createServer(certificate.optionsOf('page'), handler);
    server.requestTimeout = REQUEST_TIMEOUT_MS;
    certificate.use(server, 'page');
    return server;
  };
}

function doorOf(master: MasterPort, address: () => string, operatorToken: string | null): Door {
  const views = new Views(master, address);
  const stream = new EventStream(master.core, (kind, key) => views.resource(kind, key));
  // Also when nothing can be stored, least of all events.
  master.core.alarms.changed.on(() => stream.announce('config', ''));
  const sse = new SseStreams(master.core.clock);
  const access = new Access(master.core, master.config, operatorToken);
  access.changed.on(() => sse.recheck());
  const followers = new LogFollowers(master.core, master.logs);
  return { master, views, stream, followers, sse, searches: new SearchTurns(master.core.clock), access };
}

function addressOf(app: FastifyInstance, host: string, isSecure: boolean): string {
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? urlOf(host, address.port, isSecure) : `http://${host}`;
}

function register(app: FastifyInstance, route: Route, door: Door): void {
  app.route({
    method: route.method,
    config: { operation: route.name },
    url: route.path,
    // What is streamed would be read to its end for a HEAD.
    exposeHeadRoute: 'json' in route.answer,
    ...(route.maxBodyBytes === undefined ? {} : { bodyLimit: route.maxBodyBytes }),
    // Before the body is read: who may not send it does not make us read it.
    async onRequest(request, reply) {
      admitted(route.access, recognise(door, request, reply));
    },
    handler(request, reply) {
      if ('json' in route.answer) reply.header('cache-control', 'no-store');
      return route.handle(door, request, reply);
    },
  });
}

function serveOpenApi(app: FastifyInstance, version: string): void {
  let text: string | null = null;
  app.get('/api/v1/openapi.json', (_request, reply) => {
    text ??= JSON.stringify(openApiDocument(ROUTES, version));
    return reply.type('application/json; charset=utf-8').header('cache-control', 'no-cache').send(text);
  });
}

/** What no route takes: the page, or a refusal that tells a wrong method from a wrong address. */
async function serveTheRest(app: FastifyInstance, pageDirectory: string): Promise<void> {
  const page = await servePage(app, pageDirectory);
  const patterns = ROUTES.map((route) => ({
    method: route.method,
    pattern: new RegExp(`^${route.path.replace(/:\w+/g, '[^/]+')}$`),
  }));
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const methods = patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
    if (methods.length > 0) {
      const allowed = [...new Set(methods)].join(', ');
      reply.header('allow', allowed);
      throw new HttpProblem('method_not_allowed', `${request.method} is not possible here; ${allowed} is`);
    }
    if (!page(request, reply))
      throw new HttpProblem('not_found', `nothing is at ${JSON.stringify(path.slice(0, 200))}`);
    return reply;
  });
}

function answerError(master: MasterPort, error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { status, body } = answerOfError(error);
  if (status >= 500 && !EXPECTED_OF_A_SERVER.has(body.error.code))
    master.core.log.error({ method: request.method, url: request.url, error }, 'a request could not be answered');
  // Fastify would close the connection on what was not read, which takes the answer with it. Without this header the rest
  // is read and thrown away, within the time that a request has.
  if (body.error.code === 'too_large') reply.removeHeader('connection');
  reply.code(status).header('cache-control', 'no-store').type('application/json; charset=utf-8').send(body);
}

/** What is no HTTP, too long a head, or does not come in time; there is no request yet to answer. */
function answerBrokenHttp(error: Error, socket: Socket): void {
  const code = Reflect.get(error, 'code');
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { body } = answerOfError(new HttpProblem('bad_request', `the request is no HTTP that is understood (${code})`));
  const text = JSON.stringify(body);
  const head = `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}`;
  socket.end(`${head}\r\nconnection: close\r\n\r\n${text}`);
}
