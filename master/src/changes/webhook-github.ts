import { z } from 'zod';
import { readPull } from './webhook-pull.ts';
import { type Dialect, hookCommitSchema, isNoRevision, personOf, personSchema } from './webhook-push.ts';
import { isSignedWith } from './webhook-signature.ts';

/** https://docs.github.com/en/webhooks/webhook-events-and-payloads#push */
const pushSchema = z.object({
  ref: z.string(),
  after: z.string().min(1),
  deleted: z.boolean().default(false),
  compare: z.string().nullish(),
  commits: z.array(hookCommitSchema).nullish(),
  head_commit: hookCommitSchema.nullish(),
  pusher: personSchema.nullish(),
  repository: z.object({
    clone_url: z.string().min(1),
    ssh_url: z.string().nullish(),
    html_url: z.string().nullish(),
    full_name: z.string().nullish(),
  }),
});

/** GitHub: signs with HMAC-SHA-256; a delivery that is sent again keeps its id. */
export const github: Dialect = {
  isSigned: (headers, body, secret) => {
    const [, signature] = /^sha256=(.+)$/.exec(headers['x-hub-signature-256'] ?? '') ?? [];
    return signature !== undefined && isSignedWith(secret, body, signature);
  },
  deliveryId: (headers) => headers['x-github-delivery'] ?? null,
  event: (headers) => headers['x-github-event'] ?? null,
  pushes: ['push', 'pull_request'],
  read: (payload, event) => {
    if (event === 'pull_request') return readPull(payload);
    const push = pushSchema.parse(payload);
    if (push.deleted || isNoRevision(push.after)) return { ignored: `${push.ref} was deleted` };
    const { clone_url, ssh_url, html_url, full_name } = push.repository;
    return {
      ref: push.ref,
      after: push.after,
      revision: push.head_commit?.id ?? push.after,
      commits: push.commits ?? [],
      head: push.head_commit ?? null,
      total: null,
      addresses: [clone_url, ssh_url, html_url, full_name].filter((address) => address != null),
      pusher: personOf(push.pusher ?? {}),
      link: push.compare ?? null,
    };
  },
};
