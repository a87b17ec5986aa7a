import type { IncomingHttpHeaders } from 'node:http';
import { hookDeliverySchema } from '@icefall/shared';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { HookError } from '../../changes/hook-error.ts';
import type { HookRequest } from '../../changes/hook-request.ts';
import { LONGEST_HOOK_BODY_BYTES } from '../../changes/webhooks.ts';
import { act, audit } from '../acting.ts';
import { answerOfError } from '../errors.ts';
import type { MasterPort } from '../master-port.ts';
import { idParam, nameParam, pageAnswer, pageQuery, route } from '../route.ts';

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
      const answer = master.webhooks.receive(dialect, { ...senderOf(request), body });
      if (answer.changeIds.length > 0) audit(master, request, { action: 'webhook', object: dialect, detail: answer });
      return answer;
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/hooks/deliveries',
    name: 'listHookDeliveries',
    access: { may: 'admin' },
    summary: 'What code hosts have sent, and what became of it; newest first',
    tag: 'changes',
    query: z.object({
      dialect: z.string().max(40).optional().describe('only of this webhook'),
      outcome: hookDeliverySchema.shape.outcome.optional(),
      ...pageQuery({ usual: 50, most: 500 }),
    }),
    answer: { json: pageAnswer('deliveries', hookDeliverySchema) },
    handle({ door, query }) {
      const { items, next } = door.master.webhooks.deliveries.list(query);
      return { deliveries: items, next };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/hooks/deliveries/:id/redeliver',
    name: 'redeliverHook',
    access: { may: 'admin' },
    summary: 'Reads a delivery again whose body is kept; a push whose change is there gives that change',
    tag: 'changes',
    params: z.object({ id: idParam }),
    answer: { json: hookDeliverySchema },
    refusals: ['no_delivery', 'body_not_kept', 'not_configured', 'bad_payload'],
    handle: ({ door: { master }, params: { id }, request }) =>
      act(master, request, { action: 'redeliver', object: `delivery ${id}` }, () =>
        master.webhooks.redeliver(id, request.ip),
      ),
  }),
];

/** Puts on record what the door refuses before a webhook is asked: a body that is too long, for instance. */
export function noteRefusedHook(master: MasterPort, request: FastifyRequest, error: unknown): void {
  const { code, message } = answerOfError(error).body.error;
  if (error instanceof HookError) return;
  const dialect = z.object({ dialect: z.string() }).safeParse(request.params);
  if (dialect.success) master.webhooks.refused(dialect.data.dialect, senderOf(request), code, message);
}

function senderOf({ headers, socket, ip }: FastifyRequest): Omit<HookRequest, 'body'> {
  return { headers: plain(headers), remoteAddress: socket.remoteAddress ?? null, origin: ip };
}

/** Headers as single texts; a header that came several times is joined, as RFC 9110 section 5.3 has it. */
function plain(headers: IncomingHttpHeaders): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}
