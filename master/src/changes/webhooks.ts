import type { HookDelivery } from '@icefall/shared';
import { ZodError, z } from 'zod';
import { isFromHere } from '../access/proxies.ts';
import { HOOK_DIALECTS, type HookDialect, type WebhookDeclaration } from '../config/changes.ts';
import { readToken, type TokenSource } from '../config/workers.ts';
import type { Core } from '../engine/core.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import { FORK, PULL_REQUEST } from '../schedulers/filter.ts';
import { ChangeError, type Changes } from './changes.ts';
import { type Arrival, HookDeliveries, type KeptBody, LONGEST_KEPT_BYTES } from './hook-deliveries.ts';
import { HookError } from './hook-error.ts';
import { digestOf, HookReplays } from './hook-replays.ts';
import { type HookRequest, lowerCased, payloadOf } from './hook-request.ts';
import { gitlab } from './webhook-gitlab.ts';
import { generic, gitea, github, REPLAY_WINDOW_MS } from './webhook-hub.ts';
import { branchOf, type Dialect, type HookHeaders, type HookPush, newestOf, toldByCommits } from './webhook-push.ts';

const DIALECTS: Readonly<Record<HookDialect, Dialect>> = { github, gitlab, gitea, generic };

/** GitHub's own bound, the highest of the three; the door may have a lower one. */
export const LONGEST_HOOK_BODY_BYTES = 25 * 1024 * 1024;

interface Taken {
  readonly arrival: Arrival;
  readonly kept: KeptBody;
  readonly redeliveryOf?: number | undefined;
}

/** What became of a delivery. */
export interface HookAnswer {
  readonly changeIds: number[];
  /** Why it made no change; null where it made one. */
  readonly ignored: string | null;
}

/** Receives pushes from code hosts: `POST /hooks/DIALECT`. */
export class Webhooks {
  readonly #core: Core;
  readonly #config: SiteConfig;
  readonly #changes: Changes;
  /** What came, with what became of it. */
  readonly deliveries: HookDeliveries;
  readonly #replays = new HookReplays();

  constructor(core: Core, config: SiteConfig, changes: Changes) {
    this.#core = core;
    this.#config = config;
    this.#changes = changes;
    this.deliveries = new HookDeliveries(core);
  }

  /**
   * Takes a delivery: whose signature is right and which is a push makes one change with all its commits; the same
   * delivery again gives the change that is there; any other event is acknowledged, and nothing made of it. Whatever
   * becomes of it is on record. Throws {@link HookError}.
   */
  receive(dialect: string, request: HookRequest): HookAnswer {
    const { body, remoteAddress } = request;
    const headers = lowerCased(request.headers);
    const arrival = arrivalOf(dialect, headers, request);
    let kept: KeptBody | undefined;
    try {
      const name = dialectNamed(dialect);
      assertLength(body);
      const declaration = this.#signedFor(name, headers, body, remoteAddress);
      this.#assertFresh(name, headers, body);
      kept = { contentType: headers['content-type'] ?? null, body };
      const { changeIds, reason } = this.#take(declaration, { arrival, kept });
      return { changeIds, ignored: reason };
    } catch (error) {
      if (error instanceof HookError)
        this.deliveries.noteRefusal(arrival, { code: error.code, reason: error.message, kept });
      throw error;
    }
  }

  /** A delivery that the door refused before it was read whole. */
  refused(dialect: string, request: Omit<HookRequest, 'body'>, code: string, reason: string): void {
    const headers = lowerCased(request.headers);
    const announced = Number(headers['content-length']);
    const body = { length: Number.isSafeInteger(announced) ? announced : 0 };
    this.deliveries.noteRefusal(arrivalOf(dialect, headers, { ...request, body }), { code, reason });
  }

  /**
   * Reads a delivery again whose signature was right when it came: after the site's program was mended, say. A push whose
   * change is there gives that change. Throws {@link HookError}.
   */
  redeliver(id: number, origin: string): HookDelivery {
    const delivery = this.deliveries.view(id);
    if (delivery === null) throw new HookError('no_delivery', `there is no delivery ${id} on record`);
    const kept = this.deliveries.kept(id);
    if (kept === null)
      throw new HookError(
        'body_not_kept',
        `the body of delivery ${id} is not kept (it was not signed, is longer than ${LONGEST_KEPT_BYTES} bytes, or others came since); send it again at the code host`,
      );
    const declaration = this.#declared(dialectNamed(delivery.dialect));
    return this.#take(declaration, { arrival: { ...delivery, origin }, kept, redeliveryOf: id });
  }

  /** Reads what is signed, and puts it on record in the same turn. */
  #take(declaration: WebhookDeclaration, { arrival, kept, redeliveryOf }: Taken): HookDelivery {
    return this.#core.turn(() => {
      const { changeIds, ignored: reason } = this.#read(declaration, arrival, kept);
      const outcome = changeIds.length > 0 ? 'accepted' : 'ignored';
      return this.deliveries.note(arrival, { outcome, reason, changeIds, kept, redeliveryOf });
    });
  }

  #read(declaration: WebhookDeclaration, { event, deliveryId }: Arrival, { contentType, body }: KeptBody): HookAnswer {
    const { dialect } = declaration;
    const { pushes, read } = DIALECTS[dialect];
    if (event === null)
      throw new HookError('bad_payload', `the request names no event, as every delivery of ${dialect} does`);
    if (!pushes.includes(event)) return ignored(`event ${JSON.stringify(event.slice(0, 100))} is not used`);
    const push = readPayload(dialect, () => read(payloadOf(contentType, body), event));
    if ('ignored' in push) return ignored(push.ignored);
    const isKnownByBody = DIALECTS[dialect].isKnownByBody === true && declaration.secrets.length > 0;
    return this.#add(declaration, push, isKnownByBody ? digestOf(body) : deliveryId);
  }

  /** The declared webhook; the site has one of a dialect at most. */
  #declared(name: HookDialect): WebhookDeclaration {
    const declaration = this.#config.site.changeSources.find(
      (source) => source.type === 'webhook' && source.dialect === name,
    );
    if (declaration?.type === 'webhook') return declaration;
    throw new HookError(
      'not_configured',
      `the site takes no webhooks of ${name}; add webhook('${name}', …) to site({ changeSources })`,
    );
  }

  /** The declared webhook, if the request was signed with a secret of it. */
  #signedFor(name: HookDialect, headers: HookHeaders, body: Buffer, remoteAddress: string | null): WebhookDeclaration {
    const declaration = this.#declared(name);
    if (declaration.secrets.length === 0) {
      if (isFromHere(remoteAddress, headers)) return declaration;
      throw new HookError(
        'bad_signature',
        `webhook('${name}') has no secrets and takes requests from this machine only; declare secrets for it`,
      );
    }
    const failures: unknown[] = [];
    const secrets = this.#secretsOf(declaration, failures);
    if (secrets.some((secret) => DIALECTS[name].isSigned(headers, body, secret))) return declaration;
    if (failures.length > 0)
      throw new HookError('secret_unavailable', `a secret of webhook('${name}') cannot be read`, {
        cause: failures[0],
      });
    throw new HookError('bad_signature', `the request is not signed with a secret of webhook('${name}')`);
  }

  #assertFresh(name: HookDialect, headers: HookHeaders, body: Buffer): void {
    const { signedAt, deliveryId } = DIALECTS[name];
    const at = signedAt?.(headers);
    if (at === undefined) return;
    if (!(Math.abs(this.#core.now() - at) <= REPLAY_WINDOW_MS))
      throw new HookError(
        'stale',
        `the request was signed more than ${REPLAY_WINDOW_MS / 60_000} minutes ago, or by a clock that is wrong`,
      );
    this.#replays.assertNew(digestOf(`${at}.`, body), deliveryId(headers), this.#core.now());
  }

  /** Secrets that can be read, now; those that cannot are told. */
  #secretsOf(declaration: WebhookDeclaration, failures: unknown[]): string[] {
    return declaration.secrets.flatMap((source: TokenSource) => {
      try {
        return [readToken(source)];
      } catch (error) {
        failures.push(error);
        const why = error instanceof Error ? error.message : String(error);
        this.#core.log.error({ dialect: declaration.dialect }, `a webhook's secret cannot be read: ${why}`);
        return [];
      }
    });
  }

  #add(declaration: WebhookDeclaration, push: HookPush, delivery: string | null): HookAnswer {
    const place = branchOf(push.ref);
    if (place === null) return ignored(`${JSON.stringify(push.ref.slice(0, 200))} is neither a branch nor a tag`);
    if (push.pull !== undefined && !declaration.pullRequests)
      return ignored(
        `pull request ${push.pull.number}: webhook('${declaration.dialect}') takes none; see pullRequests`,
      );
    const skipping = declaration.skip.find((pattern) => isFound(pattern, newestOf(push)?.message ?? ''));
    if (skipping !== undefined) return ignored(`the newest commit's message matches ${skipping}`);
    const { dialect, codebase, project } = declaration;
    try {
      const { changeId } = this.#changes.add({
        ...toldByCommits(push),
        repository: this.#repositoryOf(declaration, push),
        branch: place.branch,
        codebase,
        project,
        category: categoryOf(push, place.isTag),
        source: `webhook:${dialect}`,
        // One delivery is one reference; an id that hosts share among deliveries must not lose any.
        deliveryId: delivery === null ? null : `${dialect}:${delivery.slice(0, 200)}:${push.ref}:${push.after}`,
      });
      return { changeIds: [changeId], ignored: null };
    } catch (error) {
      // A name that the site does not want is no fault of the delivery: hosts switch off a webhook that fails often.
      if (!(error instanceof ChangeError)) throw error;
      this.#core.log.warn({ dialect, ref: push.ref, revision: push.revision }, error.message);
      return ignored(error.message);
    }
  }

  /**
   * The address that the site uses: what the webhook says, else the one of the payload's that the site names elsewhere
   * (so that filters, checkouts and a poller mean the same repository), else the first.
   */
  #repositoryOf({ repositories }: WebhookDeclaration, { addresses }: HookPush): string {
    const mapped = addresses.find((address) => Object.hasOwn(repositories, address));
    const known = addressesOf(this.#config);
    const address = addresses.find((candidate) => known.has(candidate)) ?? addresses[0] ?? '';
    return mapped === undefined ? address : (repositories[mapped] ?? address);
  }
}

/** A pull request is nothing for schedulers that look for pushes: those that want it name its category. */
function categoryOf({ pull }: HookPush, isTag: boolean): string | null {
  if (pull !== undefined) return pull.isFork ? FORK : PULL_REQUEST;
  return isTag ? 'tag' : null;
}

/** Repository addresses that the site's program names. */
function addressesOf(config: SiteConfig): ReadonlySet<string> {
  const { changeSources, schedulers } = config.site;
  const filters = schedulers.flatMap((scheduler) => ('changes' in scheduler ? [scheduler.changes.repository] : []));
  return new Set([
    ...changeSources.flatMap((source) => (source.type === 'gitPoller' ? [source.repository] : [])),
    ...schedulers.flatMap((scheduler) => Object.values(scheduler.codebases).map(({ repository }) => repository)),
    ...filters
      .flatMap((matcher) => (Array.isArray(matcher) ? matcher : [matcher]))
      .filter((m) => typeof m === 'string'),
  ]);
}

function assertLength({ length }: Buffer): void {
  if (length > LONGEST_HOOK_BODY_BYTES)
    throw new HookError('too_large', `the body has ${length} bytes; at most ${LONGEST_HOOK_BODY_BYTES} are read`);
}

/** What is put on record of a delivery before anything of it is believed. */
function arrivalOf(
  dialect: string,
  headers: HookHeaders,
  { origin, body }: Pick<HookRequest, 'origin'> & { readonly body: { readonly length: number } },
): Arrival {
  const known = HOOK_DIALECTS.find((name) => name === dialect);
  const { event, deliveryId } = known === undefined ? NOTHING_TOLD : DIALECTS[known];
  const name = known ?? dialect.replace(/[^\w.-]/g, '?').slice(0, 40);
  return { dialect: name, origin, event: event(headers), deliveryId: deliveryId(headers), sizeBytes: body.length };
}
/** Of a host that is not known. */
const NOTHING_TOLD: Pick<Dialect, 'event' | 'deliveryId'> = { event: () => null, deliveryId: () => null };

function dialectNamed(name: string): HookDialect {
  const found = HOOK_DIALECTS.find((known) => known === name);
  if (found !== undefined) return found;
  const known = HOOK_DIALECTS.join(', ');
  throw new HookError(
    'unknown_dialect',
    `no webhooks of ${JSON.stringify(name.slice(0, 100))} are known; known: ${known}`,
  );
}

function readPayload<T>(dialect: HookDialect, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ZodError)
      throw new HookError('bad_payload', `this is no push of ${dialect}: ${z.prettifyError(error).slice(0, 2000)}`);
    if (error instanceof SyntaxError)
      throw new HookError('bad_payload', `the body is not JSON, nor a form with JSON in its field "payload"`);
    throw error;
  }
}

function ignored(why: string): HookAnswer {
  return { changeIds: [], ignored: why };
}

/** A regular expression with the flag `g` or `y` remembers where it was; a check must not. */
function isFound(pattern: RegExp, text: string): boolean {
  pattern.lastIndex = 0;
  return pattern.test(text);
}
