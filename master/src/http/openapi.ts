import * as shared from '@icefall/shared';
import { z } from 'zod';
import { STATUS_OF_CODE } from './errors.ts';
import { EXAMPLES } from './examples.ts';
import type { Route } from './route.ts';

/** Resources by the names that the document gives them. */
const RESOURCES: Readonly<Record<string, z.ZodType>> = {
  Blocker: shared.blockerSchema,
  Build: shared.buildSchema,
  Builder: shared.builderSchema,
  Buildset: shared.buildsetSchema,
  Change: shared.changeSchema,
  Error: shared.errorSchema,
  ForceForm: shared.forceFormSchema,
  ForcePreview: shared.forcePreviewSchema,
  FormField: shared.formFieldSchema,
  HookDelivery: shared.hookDeliverySchema,
  Report: shared.reportSchema,
  Reporter: shared.reporterSchema,
  Lock: shared.lockSchema,
  LockHolder: shared.lockHolderSchema,
  Log: shared.logSchema,
  LogLines: shared.logLinesSchema,
  Properties: shared.propertiesSchema,
  Request: shared.requestSchema,
  Scheduler: shared.schedulerSchema,
  Snapshot: shared.snapshotSchema,
  SourceStamp: shared.sourceStampSchema,
  Status: shared.statusSchema,
  Step: shared.stepSchema,
  Worker: shared.workerSchema,
};

/** What every route may answer. */
const COMMON_REFUSALS = ['too_many_requests', 'bad_request', 'foreign_host', 'internal'];
const POST_REFUSALS = [
  'bad_json',
  'bad_values',
  'foreign_origin',
  'idempotency_key_reused',
  'too_large',
  'unsupported_media_type',
];

type Registry = ReturnType<typeof z.registry<{ id: string }>>;

/** The OpenAPI 3.1 document of the routes, made from the schemas that validate them. */
export function openApiDocument(routes: readonly Route[], version: string): object {
  const answers: Registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(RESOURCES)) answers.add(schema, { id });
  const bodies: Registry = z.registry<{ id: string }>();
  for (const route of routes) {
    const name = `${route.name.charAt(0).toUpperCase()}${route.name.slice(1)}`;
    if ('json' in route.answer && !answers.has(route.answer.json))
      answers.add(route.answer.json, { id: `${name}Answer` });
    if (route.body !== null && !bodies.has(route.body)) bodies.add(route.body, { id: `${name}Body` });
  }
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, answers, bodies) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Icefall',
      version,
      description:
        'The build master. Times are milliseconds since the epoch. Lists are newest first, with `next` as the `before` of what follows.',
    },
    paths,
    components: { schemas: { ...schemasOf(answers, 'output'), ...schemasOf(bodies, 'input') } },
  };
}

const refTo = (id: string) => ({ $ref: `#/components/schemas/${id}` });

function schemasOf(registry: Registry, io: 'input' | 'output'): Record<string, object> {
  const uri = (id: string) => refTo(id).$ref;
  const { schemas } = z.toJSONSchema(registry, { uri, io });
  const { [SHARED]: _anyJson, ...named } = schemas;
  return Object.fromEntries(
    Object.entries(named).map(([id, { $id, $schema, ...schema }]) => {
      const example = EXAMPLES[id];
      const plain = withoutShared(schema);
      return [id, example === undefined ? plain : { ...plain, examples: [example] }];
    }),
  );
}

/** What zod calls pieces that several schemas use and nobody named. Ours are `z.json()`, any value: no constraint. */
const SHARED = '__shared';

function withoutShared<T>(value: T): T {
  const replaced = JSON.stringify(value, (_key, part: unknown) => {
    const ref = typeof part === 'object' && part !== null ? Reflect.get(part, '$ref') : undefined;
    return typeof ref === 'string' && ref.includes(SHARED) ? {} : part;
  });
  return JSON.parse(replaced);
}

function operationOf(route: Route, answers: Registry, bodies: Registry): object {
  return {
    operationId: route.name,
    summary: route.summary,
    tags: [route.tag],
    parameters: [
      ...parametersOf('path', route.params),
      ...parametersOf('query', route.query),
      ...(route.method === 'POST' && route.rawBody !== true ? [IDEMPOTENCY_KEY] : []),
    ],
    ...bodyOf(route, bodies),
    responses: { ['redirect' in route.answer ? 302 : 200]: successOf(route, answers), ...refusalsOf(route) },
  };
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same key a second time does nothing and gives the first answer',
  schema: { type: 'string', maxLength: 200 },
};

function parametersOf(place: 'path' | 'query', schema: z.ZodObject): object[] {
  return Object.entries(schema.shape).map(([name, field]) => {
    const { $schema, description, ...json } = z.toJSONSchema(field, { io: 'output' });
    return {
      name,
      in: place,
      required: place === 'path' || !z.safeParse(field, undefined).success,
      ...(description === undefined ? {} : { description }),
      schema: json,
    };
  });
}

function bodyOf(route: Route, bodies: Registry): object {
  if (route.rawBody === true)
    return { requestBody: { required: true, description: 'As the code host sends it', content: { '*/*': {} } } };
  if (route.body === null) return {};
  const id = bodies.get(route.body)?.id ?? '';
  const required = !route.body.safeParse({}).success;
  return { requestBody: { required, content: { 'application/json': { schema: refTo(id) } } } };
}

function successOf(route: Route, answers: Registry): object {
  const { answer } = route;
  if ('redirect' in answer) return { description: answer.redirect };
  if ('media' in answer)
    return { description: answer.description, content: { [answer.media]: { schema: { type: 'string' } } } };
  const id = answers.get(answer.json)?.id ?? '';
  return { description: 'Done', content: { 'application/json': { schema: refTo(id) } } };
}

/** Refusals by status, each with the codes it stands for. */
function refusalsOf(route: Route): Record<string, object> {
  const codes = [...COMMON_REFUSALS, ...(route.method === 'POST' ? POST_REFUSALS : []), ...(route.refusals ?? [])];
  const byStatus = Map.groupBy([...new Set(codes)], (code) => String(STATUS_OF_CODE[code] ?? 500));
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [
      status,
      { description: group.join(', '), content: { 'application/json': { schema: refTo('Error') } } },
    ]),
  );
}
