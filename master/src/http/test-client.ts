import { join } from 'node:path';
import { fastify, type InjectOptions } from 'fastify';
import { openApiDocument } from './openapi.ts';
import { ROUTES } from './routes/all.ts';
import { buildServer } from './server.ts';
import type { TestSite } from './test-site.ts';

/** For tests: asks the server without a socket, and holds every answer against the OpenAPI document. */
const DOCUMENT = 'document';
const validator = fastify({
  bodyLimit: 64 * 1024 * 1024,
  ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, strict: false } },
});
const { paths, components } = JSON.parse(JSON.stringify(openApiDocument(ROUTES, '0.1.0')));
validator.addSchema({ $id: DOCUMENT, components });
validator.post<{ Body: { ref: string; value: unknown } }>('/', (request) => {
  const { ref, value } = request.body;
  const validate = request.compileValidationSchema({ $ref: `${DOCUMENT}${ref}` });
  return { errors: validate(value) ? [] : validate.errors };
});

/** What is wrong with a value, by the document's schema `#/components/schemas/NAME`. */
export async function schemaErrors(ref: string, value: unknown): Promise<unknown[]> {
  const answer = await validator.inject({ method: 'POST', url: '/', payload: { ref, value } });
  if (answer.statusCode !== 200) throw new Error(answer.body);
  return answer.json().errors;
}

export interface TestAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** Parsed, where it is JSON; what is in it is for the test to say. */
  readonly json: ReturnType<typeof JSON.parse>;
}

export type TestClient = Awaited<ReturnType<typeof clientOf>>;

/** A client of a server for this site. */
export async function clientOf(
  site: TestSite,
  options: { host?: string; pageDirectory?: string; operatorToken?: string } = {},
) {
  const { host = '127.0.0.1', pageDirectory = join(site.directory, 'no-page') } = options;
  const { app, door } = await buildServer(site.port, { host, pageDirectory, operatorToken: options.operatorToken });
  async function ask(request: InjectOptions): Promise<TestAnswer> {
    const answer = await app.inject(request);
    const isJson = String(answer.headers['content-type']).startsWith('application/json');
    const json = isJson && answer.body !== '' ? answer.json() : null;
    if (json !== null) await check(request, answer.statusCode, json);
    return { status: answer.statusCode, headers: answer.headers, text: answer.body, json };
  }
  return {
    app,
    door,
    ask,
    get: (url: string, headers: Record<string, string> = {}) => ask({ method: 'GET', url, headers }),
    post: (url: string, payload: object = {}, headers: Record<string, string> = {}) =>
      ask({ method: 'POST', url, payload, headers }),
    [Symbol.asyncDispose]: () => app.close(),
  };
}

async function check({ method = 'GET', url }: InjectOptions, status: number, json: unknown): Promise<void> {
  const path = String(url).split('?', 1)[0] ?? '';
  const ref = status >= 400 ? '#/components/schemas/Error' : refOf(method, path, status);
  if (ref === null) return;
  const errors = await schemaErrors(ref, json);
  if (errors.length > 0)
    throw new Error(`${method} ${path}: the answer is not as documented: ${JSON.stringify(errors)}`);
}

/** Null: the document does not describe itself. */
function refOf(method: string, path: string, status: number): string | null {
  if (path === '/api/v1/openapi.json') return null;
  for (const [template, operations] of Object.entries<ReturnType<typeof JSON.parse>>(paths)) {
    if (!new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`).test(path)) continue;
    const ref = operations[method.toLowerCase()]?.responses[status]?.content['application/json']?.schema.$ref;
    if (typeof ref === 'string') return ref;
  }
  throw new Error(`${method} ${path} answered ${status}, which the document does not describe`);
}
