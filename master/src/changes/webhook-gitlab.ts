import { z } from 'zod';
import { readMerge } from './webhook-pull.ts';
import { type Dialect, hookCommitSchema, isNoRevision, personOf } from './webhook-push.ts';
import { isSameSecret } from './webhook-signature.ts';

/** https://docs.gitlab.com/user/project/integrations/webhook_events/#push-events, and tag events beside it. */
const pushSchema = z.object({
  object_kind: z.enum(['push', 'tag_push']),
  ref: z.string(),
  after: z.string().min(1),
  checkout_sha: z.string().nullish(),
  commits: z.array(hookCommitSchema).nullish(),
  total_commits_count: z.number().nullish(),
  user_name: z.string().nullish(),
  user_email: z.string().nullish(),
  project: z.object({
    git_http_url: z.string().min(1),
    git_ssh_url: z.string().nullish(),
    web_url: z.string().nullish(),
    path_with_namespace: z.string().nullish(),
  }),
});
const kindSchema = z.object({ object_kind: z.string().nullish(), event_name: z.string().nullish() });

/** GitLab: shows the secret itself; a system hook's event is named in its body. */
export const gitlab: Dialect = {
  isSigned: (headers, _body, secret) => {
    const shown = headers['x-gitlab-token'];
    return shown !== undefined && isSameSecret(secret, shown);
  },
  // The event's own id is shared by all events that one event causes; the key is of one delivery and its repetitions.
  deliveryId: (headers) => headers['idempotency-key'] ?? headers['x-gitlab-event-uuid'] ?? null,
  event: (headers) => headers['x-gitlab-event'] ?? null,
  pushes: ['Push Hook', 'Tag Push Hook', 'Merge Request Hook', 'System Hook'],
  read: (payload) => {
    const { object_kind, event_name } = kindSchema.parse(payload);
    const kind = object_kind ?? event_name;
    if (kind === 'merge_request') return readMerge(payload);
    if (kind !== 'push' && kind !== 'tag_push') return { ignored: `event ${JSON.stringify(kind ?? null)} is not used` };
    const push = pushSchema.parse(payload);
    if (isNoRevision(push.after)) return { ignored: `${push.ref} was deleted` };
    const { git_http_url, git_ssh_url, web_url, path_with_namespace } = push.project;
    const revision = push.checkout_sha ?? push.after;
    return {
      ref: push.ref,
      after: push.after,
      revision,
      commits: push.commits ?? [],
      head: null,
      total: push.total_commits_count ?? null,
      addresses: [git_http_url, git_ssh_url, web_url, path_with_namespace].filter((address) => address != null),
      pusher: personOf({ name: push.user_name, email: push.user_email }),
      link: web_url == null ? null : `${web_url}/-/commit/${revision}`,
    };
  },
};
