import { z } from 'zod';
import { type HookPush, personOf, personSchema } from './webhook-push.ts';

/** What GitHub and Gitea say of a repository. */
const repository = z.object({
  clone_url: z.string().min(1),
  ssh_url: z.string().nullish(),
  html_url: z.string().nullish(),
  full_name: z.string().nullish(),
});

/** https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request; Gitea's is made after it. */
const pullSchema = z.object({
  action: z.string(),
  pull_request: z.object({
    number: z.number().int().positive(),
    title: z.string().default(''),
    html_url: z.string().nullish(),
    user: z.object({ login: z.string().nullish() }).nullish(),
    head: z.object({ sha: z.string().min(1), repo: repository.nullish() }),
    base: z.object({ ref: z.string(), repo: repository }),
  }),
});
/** Those that bring commits. */
const ACTIONS = ['opened', 'reopened', 'synchronize', 'synchronized'];

/** Reads an event of a pull request, of GitHub or Gitea. Throws ZodError. */
export function readPull(payload: unknown): HookPush | { readonly ignored: string } {
  const { action, pull_request: pull } = pullSchema.parse(payload);
  if (!ACTIONS.includes(action)) return { ignored: `pull request ${pull.number}: ${action.slice(0, 100)}` };
  const { repo } = pull.base;
  return {
    ...tip(`refs/pull/${pull.number}/head`, pull.head.sha, pull.title),
    addresses: [repo.clone_url, repo.ssh_url, repo.html_url, repo.full_name].filter((address) => address != null),
    pusher: personOf({ name: pull.user?.login }),
    link: pull.html_url ?? null,
    // A copy that is gone belongs to nobody we know.
    pull: { number: pull.number, base: pull.base.ref, isFork: pull.head.repo?.clone_url !== repo.clone_url },
  };
}

const project = z.object({
  git_http_url: z.string().min(1),
  git_ssh_url: z.string().nullish(),
  web_url: z.string().nullish(),
  path_with_namespace: z.string().nullish(),
});
/** https://docs.gitlab.com/user/project/integrations/webhook_events/#merge-request-events */
const mergeSchema = z.object({
  user: personSchema.nullish(),
  project,
  object_attributes: z.object({
    iid: z.number().int().positive(),
    action: z.string().nullish(),
    /** Only where an update brought commits. */
    oldrev: z.string().nullish(),
    title: z.string().default(''),
    url: z.string().nullish(),
    target_branch: z.string(),
    source_project_id: z.number().nullish(),
    target_project_id: z.number(),
    last_commit: z.object({ id: z.string().min(1) }),
  }),
});

/** Reads an event of a merge request of GitLab. Throws ZodError. */
export function readMerge(payload: unknown): HookPush | { readonly ignored: string } {
  const { user, project: target, object_attributes: merge } = mergeSchema.parse(payload);
  const { action, oldrev, iid } = merge;
  const bringsCommits = action === 'open' || action === 'reopen' || (action === 'update' && oldrev != null);
  if (!bringsCommits) return { ignored: `merge request ${iid}: ${(action ?? 'no action').slice(0, 100)}` };
  const { git_http_url, git_ssh_url, web_url, path_with_namespace } = target;
  return {
    ...tip(`refs/merge-requests/${iid}/head`, merge.last_commit.id, merge.title),
    addresses: [git_http_url, git_ssh_url, web_url, path_with_namespace].filter((address) => address != null),
    pusher: personOf(user ?? {}),
    link: merge.url ?? null,
    pull: { number: iid, base: merge.target_branch, isFork: merge.source_project_id !== merge.target_project_id },
  };
}

/** Of the commits only the newest is told, and of it only where it is; the title stands for its message. */
function tip(ref: string, revision: string, title: string) {
  return { ref, after: revision, revision, commits: [], head: null, total: null, title };
}
