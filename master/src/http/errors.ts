import type { ApiError } from '@icefall/shared';
import { ZodError, type z } from 'zod';
import { AccessError } from '../access/errors.ts';
import { ChangeError } from '../changes/changes.ts';
import { HOOK_STATUSES, HookError } from '../changes/hook-error.ts';
import { ConfigError, formatProblem } from '../config/problems.ts';
import { LogFileError } from '../logs/frame-file.ts';
import { SearchError } from '../logs/line-search.ts';
import { REPORT_STATUSES, ReportError } from '../reporters/errors.ts';
import { FormError, SchedulerError } from '../schedulers/errors.ts';
import { storageFault } from '../storage/faults.ts';
import { ActionError } from './master-port.ts';

/** Codes of errors that the door itself finds. */
export type ProblemCode =
  | 'bad_request'
  | 'bad_json'
  | 'bad_values'
  | 'foreign_host'
  | 'foreign_origin'
  | 'not_found'
  | 'method_not_allowed'
  | 'idempotency_key_reused'
  | 'too_large'
  | 'unsupported_media_type'
  | 'too_many_requests'
  | 'too_many_streams'
  | 'queue_full'
  | 'not_ready';

/** A request is refused at the door. */
export class HttpProblem extends Error {
  readonly code: ProblemCode;
  readonly fields: Readonly<Record<string, string>> | undefined;
  constructor(code: ProblemCode, message: string, fields?: Readonly<Record<string, string>>) {
    super(message);
    this.name = 'HttpProblem';
    this.code = code;
    this.fields = fields;
  }
}

/** The one table from an error's code to the answer's status. */
export const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  // The door
  bad_request: 400,
  bad_json: 400,
  foreign_host: 403,
  foreign_origin: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  idempotency_key_reused: 409,
  unsupported_media_type: 415,
  bad_values: 422,
  too_many_requests: 429,
  too_many_streams: 503,
  queue_full: 409,
  not_ready: 503,
  // Access
  sign_in_needed: 401,
  bad_login: 401,
  sign_in_unavailable: 503,
  sign_in_expired: 401,
  sign_in_cancelled: 401,
  bad_token: 401,
  bad_csrf: 403,
  denied: 403,
  too_many_attempts: 429,
  bad_account: 422,
  // Schedulers and their forms
  no_scheduler: 404,
  wrong_kind: 409,
  scheduler_disabled: 409,
  bad_properties: 422,
  bad_form: 422,
  // Searches
  bad_search: 422,
  // Changes and webhooks (a body that is too large is too_large for both)
  bad_change: 422,
  ...HOOK_STATUSES,
  // Reporters
  ...REPORT_STATUSES,
  // Configuration
  bad_config: 422,
  // Ours
  storage_unavailable: 503,
  log_file: 500,
  internal: 500,
};

/** Errors of fastify itself, by its codes. */
const FASTIFY_CODES: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'bad_request',
  FST_ERR_BAD_URL: 'bad_request',
};

export interface ErrorAnswer {
  readonly status: number;
  readonly body: ApiError;
}

/** What a client is told of an error. One that is not meant for clients says nothing of itself (`internal`). */
export function answerOfError(error: unknown): ErrorAnswer {
  if (isMeantForClients(error)) return answer(error.code, error.message, fieldsOf(error));
  if (error instanceof LogFileError) return answer(error.code, "the log cannot be read; the master's own log says why");
  const fault = storageFault(error);
  if (fault !== null) return answer(fault.code, fault.message);
  const code = codeOf(error);
  const known = code === null ? undefined : FASTIFY_CODES[code];
  if (known !== undefined) return answer(known, error instanceof Error ? error.message : (code ?? known));
  // Other refusals of fastify's and of Node's parser: the client's mistake, named by its status.
  const status = typeof error === 'object' && error !== null ? Reflect.get(error, 'statusCode') : undefined;
  if (typeof status === 'number' && status >= 400 && status < 500)
    return { ...answer('bad_request', error instanceof Error ? error.message : 'the request is malformed'), status };
  return answer('internal', 'the master failed to answer; its log says why');
}

type ClientError =
  | HttpProblem
  | AccessError
  | SearchError
  | ActionError
  | SchedulerError
  | FormError
  | ChangeError
  | ConfigError
  | HookError
  | ReportError;

function isMeantForClients(error: unknown): error is ClientError {
  return [
    ...[HttpProblem, AccessError, SearchError, ActionError, SchedulerError, FormError],
    ...[ChangeError, ConfigError, HookError, ReportError],
  ].some((kind) => error instanceof kind);
}

function fieldsOf(error: ClientError): Readonly<Record<string, string>> | undefined {
  if (error instanceof ConfigError)
    return Object.fromEntries(error.problems.map((problem, i) => [String(i), formatProblem(problem)]));
  return 'fields' in error ? error.fields : undefined;
}

function answer(code: string, message: string, fields?: Readonly<Record<string, string>>): ErrorAnswer {
  const error = fields === undefined ? { code, message } : { code, message, fields: { ...fields } };
  return { status: STATUS_OF_CODE[code] ?? 500, body: { error } };
}

function codeOf(error: unknown): string | null {
  const code = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : null;
}

/** Validates a part of a request. Throws {@link HttpProblem} with what is wrong, by field. */
export function validated<T>(schema: z.ZodType<T>, value: unknown, what: 'address' | 'query' | 'body'): T {
  try {
    return schema.parse(value);
  } catch (error) {
    if (!(error instanceof ZodError)) throw error;
    const fields = fieldsOfIssues(error.issues);
    const list = Object.entries(fields).map(([path, why]) => (path === '' ? why : `${path}: ${why}`));
    throw new HttpProblem(
      what === 'body' ? 'bad_values' : 'bad_request',
      `the ${what} is wrong: ${list.join('; ')}`,
      fields,
    );
  }
}

/** Most fields that one answer names. */
const MOST_FIELDS = 100;

function fieldsOfIssues(issues: readonly z.core.$ZodIssue[]): Record<string, string> {
  const fields = new Map<string, string>();
  for (const issue of issues.slice(0, MOST_FIELDS)) {
    const path = issue.path.map(String).join('.');
    if (!fields.has(path)) fields.set(path, issue.message);
  }
  return Object.fromEntries(fields);
}
