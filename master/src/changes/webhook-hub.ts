import { z } from 'zod';
import { readPull } from './webhook-pull.ts';
import { type Dialect, type HookPush, hookCommitSchema, isNoRevision, personOf } from './webhook-push.ts';
import { isSignedWith } from './webhook-signature.ts';

/** A delivery of the generic form that was signed longer ago, or later by our clock, may be a replay. */
export const REPLAY_WINDOW_MS = 5 * 60_000;

/**
 * https://docs.github.com/en/webhooks/webhook-events-and-payloads#push, and what Gitea, whose events are made after it,
 * names otherwise (https://docs.gitea.com/usage/webhooks).
 */
const pushSchema = z.object({
  ref: z.string(),
  after: z.string().min(1),
  deleted: z.boolean().default(false),
  compare: z.string().nullish(),
  compare_url: z.string().nullish(),
  commits: z.array(hookCommitSchema).nullish(),
  head_commit: hookCommitSchema.nullish(),
  total_commits: z.number().nullish(),
  pusher: z
    .object({
      name: z.string().nullish(),
      full_name: z.string().nullish(),
      login: z.string().nullish(),
      email: z.string().nullish(),
    })
    .nullish(),
  repository: z.object({
    clone_url: z.string().min(1),
    ssh_url: z.string().nullish(),
    html_url: z.string().nullish(),
    full_name: z.string().nullish(),
  }),
});

/** Reads an event of GitHub or of one whose events are made after its. Throws ZodError. */
function read(payload: unknown, event: string): HookPush | { readonly ignored: string } {
  if (event === 'pull_request') return readPull(payload);
  const push = pushSchema.parse(payload);
  if (push.deleted || isNoRevision(push.after)) return { ignored: `${push.ref} was deleted` };
  const { clone_url, ssh_url, html_url, full_name } = push.repository;
  const { name, full_name: fullName, login, email } = push.pusher ?? {};
  return {
    ref: push.ref,
    after: push.after,
    revision: push.head_commit?.id ?? push.after,
    commits: push.commits ?? [],
    head: push.head_commit ?? null,
    total: push.total_commits ?? null,
    addresses: [clone_url, ssh_url, html_url, full_name].filter((address) => address != null),
    pusher: personOf({ name: fullName || login || name, email }),
    link: push.compare ?? push.compare_url ?? null,
  };
}

const common = { pushes: ['push', 'pull_request'], read };

function hubSignature(header: string | undefined): string {
  return /^sha256=(.+)$/.exec(header ?? '')?.[1] ?? '';
}

/** GitHub: signs with HMAC-SHA-256; a delivery that is sent again keeps its id. It does not count commits. */
export const github: Dialect = {
  ...common,
  isSigned: (headers, body, secret) => isSignedWith(secret, body, hubSignature(headers['x-hub-signature-256'])),
  deliveryId: (headers) => headers['x-github-delivery'] ?? null,
  isKnownByBody: true,
  event: (headers) => headers['x-github-event'] ?? null,
  read: (payload, event) => {
    const push = read(payload, event);
    return 'ignored' in push ? push : { ...push, total: null };
  },
};

/** Gitea and Forgejo: sign with HMAC-SHA-256 under a name of their own and under GitHub's. */
export const gitea: Dialect = {
  ...common,
  isSigned: (headers, body, secret) =>
    isSignedWith(secret, body, headers['x-gitea-signature'] ?? hubSignature(headers['x-hub-signature-256'])),
  deliveryId: (headers) => headers['x-gitea-delivery'] ?? null,
  isKnownByBody: true,
  event: (headers) => headers['x-gitea-event'] ?? null,
};

/**
 * Any other program, with GitHub's payload: what is signed is the time (seconds since 1970, in `X-Icefall-Timestamp`), a
 * dot and the body, so that nobody can send it again later.
 */
export const generic: Dialect = {
  ...common,
  isSigned: (headers, body, secret) => {
    const signed = Buffer.concat([Buffer.from(`${headers['x-icefall-timestamp'] ?? ''}.`), body]);
    return isSignedWith(secret, signed, hubSignature(headers['x-icefall-signature']));
  },
  deliveryId: (headers) => headers['x-icefall-delivery'] ?? null,
  event: (headers) => headers['x-icefall-event'] ?? null,
  signedAt: (headers) => {
    const seconds = headers['x-icefall-timestamp'] ?? '';
    return /^\d{1,12}$/.test(seconds) ? Number(seconds) * 1000 : Number.NaN;
  },
};
