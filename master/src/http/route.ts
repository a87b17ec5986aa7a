import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Caller } from '../access/access.ts';
import { type AccessRule, allowed, type CoarseRule } from './authorization.ts';
import { callerOf } from './caller.ts';
import type { Door } from './door.ts';
import { type ProblemCode, validated } from './errors.ts';

/** One request, validated. */
export interface Call<P, Q, B> {
  readonly door: Door;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly caller: Caller;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** What a route answers when all is well. */
export type Answer =
  | { readonly json: z.ZodType }
  /** Sends a browser elsewhere; where to, in words. */
  | { readonly redirect: string }
  /** Text or a stream of events; `description` says what is in it. */
  | { readonly media: string; readonly description: string };

interface RouteBase {
  readonly method: 'GET' | 'POST';
  /** As fastify writes it: `/api/v1/builds/:id`. */
  readonly path: string;
  /** Unique; names the operation in the OpenAPI document. */
  readonly name: string;
  readonly summary: string;
  /** Heading in the OpenAPI document. */
  readonly tag: string;
  readonly answer: Answer;
  /** Codes of errors beside those that every route has. */
  readonly refusals?: readonly (ProblemCode | (string & {}))[];
  readonly maxBodyBytes?: number;
  /** The body is bytes of any type, not JSON. */
  readonly rawBody?: boolean;
}

/** A route with its types forgotten: what the server registers and the OpenAPI document describes. */
export interface Route extends RouteBase {
  /** Who may use it; what hangs on a single thing is checked when that is known. */
  readonly access: CoarseRule;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  readonly body: z.ZodType | null;
  handle(door: Door, request: FastifyRequest, reply: FastifyReply): unknown;
}

const nothing = z.object({});
type Nothing = typeof nothing;

/** A route as its room declares it. */
export interface RouteSpec<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType> extends RouteBase {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** Who may use it. There is no route without a rule. */
  readonly access: AccessRule<Call<z.output<P>, z.output<Q>, z.output<B>>>;
  readonly handle: (call: Call<z.output<P>, z.output<Q>, z.output<B>>) => unknown;
}

/** Declares a route: its handler gets what its schemas let through. */
export function route<P extends z.ZodObject = Nothing, Q extends z.ZodObject = Nothing, B extends z.ZodType = Nothing>(
  spec: RouteSpec<P, Q, B>,
): Route {
  const { handle, params, query, body, ...base } = spec;
  return {
    ...base,
    params: params ?? nothing,
    query: query ?? nothing,
    body: body ?? null,
    handle(door, request, reply) {
      const call = {
        door,
        params: validated<z.output<P>>(schemaOr(params), request.params, 'address'),
        query: validated<z.output<Q>>(schemaOr(query), request.query, 'query'),
        body: validated<z.output<B>>(schemaOr(body), request.body ?? {}, 'body'),
        caller: callerOf(request),
        request,
        reply,
      };
      allowed(spec.access, call);
      return handle(call);
    },
  };
}

/** A schema that was left out has the type of {@link nothing}; the compiler cannot know. */
function schemaOr<S extends z.ZodType>(schema: S | undefined): z.ZodType<z.output<S>> {
  return (schema ?? nothing) as z.ZodType<z.output<S>>;
}

/** An id in an address or query: decimal digits only, as text. */
const digits = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number')
  .transform(Number);
export const idParam = digits.pipe(z.number().int().positive());
export const nameParam = z.string().min(1).max(200);

/** A whole number in a query. */
export function numberQuery(options: { readonly min: number; readonly max: number }) {
  return z
    .string()
    .regex(/^-?\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().int().min(options.min).max(options.max));
}

/** What ended before this time is left out; milliseconds since the epoch. */
export const sinceQuery = numberQuery({ min: 0, max: Number.MAX_SAFE_INTEGER }).default(0);

/** `before` and `limit` of a list, newest first. */
export function pageQuery(options: { readonly usual: number; readonly most: number }) {
  return {
    before: idParam.optional().describe('only those with a lower id'),
    limit: numberQuery({ min: 1, max: options.most }).default(options.usual),
  };
}

/** A list's answer: `name` is the plural; `next` is the `before` that gives what comes after, or null at the end. */
export function pageAnswer<N extends string, T extends z.ZodType>(name: N, item: T) {
  return z.object({ [name]: z.array(item), next: z.number().int().nullable() });
}
