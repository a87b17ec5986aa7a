import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { LONGEST_HOOK_BODY_BYTES } from '../../changes/webhooks.ts';
import { audit } from '../acting.ts';
import { nameParam, route } from '../route.ts';

export const hookRoutes = [
  route({
    method: 'POST',
    path: '/hooks/:dialect',
    name: 'receiveHook',
    access: { open: 'a delivery is signed with a secret of its own' },
    summary: 'Takes a push from GitHub, GitLab or Gitea; what is signed but not used is answered well, too',
    tag: 'changes',
    params: z.object({ dialect: nameParam.describe('github, gitlab, gitea or generic') }),
    rawBody: true,
    maxBodyBytes: LONGEST_HOOK_BODY_BYTES,
    answer: {
      json: z.object({
        changeIds: z.array(z.number().int()),
        ignored: z.string().nullable().describe('why it made no change'),
      }),
    },
    refusals: ['unknown_dialect', 'not_configured', 'bad_signature', 'stale', 'bad_payload', 'secret_unavailable'],
    handle({ door: { master }, params: { dialect }, request }) {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const from = request.socket.remoteAddress ?? null;
      const answer = master.receiveHook(dialect, plain(request.headers), body, from);
      if (answer.changeIds.length > 0) audit(master, request, { action: 'webhook', object: dialect, detail: answer });
      return answer;
    },
  }),
];

/** Headers as single texts; a header that came several times is joined, as RFC 9110 section 5.3 has it. */
function plain(headers: IncomingHttpHeaders): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}
