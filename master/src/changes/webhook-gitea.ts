import { z } from 'zod';
import { readPull } from './webhook-pull.ts';
import { type Dialect, hookCommitSchema, isNoRevision, personOf } from './webhook-push.ts';
import { isSignedWith } from './webhook-signature.ts';

/** https://docs.gitea.com/usage/webhooks */
const pushSchema = z.object({
  ref: z.string(),
  after: z.string().min(1),
  compare_url: z.string().nullish(),
  commits: z.array(hookCommitSchema).nullish(),
  head_commit: hookCommitSchema.nullish(),
  total_commits: z.number().nullish(),
  pusher: z
    .object({ full_name: z.string().nullish(), login: z.string().nullish(), email: z.string().nullish() })
    .nullish(),
  repository: z.object({
    clone_url: z.string().min(1),
    ssh_url: z.string().nullish(),
    html_url: z.string().nullish(),
    full_name: z.string().nullish(),
  }),
});

/** Gitea and Forgejo: sign with HMAC-SHA-256 under a name of their own and under GitHub's. */
export const gitea: Dialect = {
  isSigned: (headers, body, secret) => {
    const [, hub] = /^sha256=(.+)$/.exec(headers['x-hub-signature-256'] ?? '') ?? [];
    return isSignedWith(secret, body, headers['x-gitea-signature'] ?? hub ?? '');
  },
  deliveryId: (headers) => headers['x-gitea-delivery'] ?? null,
  event: (headers) => headers['x-gitea-event'] ?? null,
  pushes: ['push', 'pull_request'],
  read: (payload, event) => {
    if (event === 'pull_request') return readPull(payload);
    const push = pushSchema.parse(payload);
    if (isNoRevision(push.after)) return { ignored: `${push.ref} was deleted` };
    const { clone_url, ssh_url, html_url, full_name } = push.repository;
    const { full_name: name, login, email } = push.pusher ?? {};
    return {
      ref: push.ref,
      after: push.after,
      revision: push.head_commit?.id ?? push.after,
      commits: push.commits ?? [],
      head: push.head_commit ?? null,
      total: push.total_commits ?? null,
      addresses: [clone_url, ssh_url, html_url, full_name].filter((address) => address != null),
      pusher: personOf({ name: name ? name : login, email }),
      link: push.compare_url ?? null,
    };
  },
};
