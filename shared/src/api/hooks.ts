import { z } from 'zod';
import { id, time } from './scalars.ts';

/** What a code host sent to a webhook, and what became of it. */
export const hookDeliverySchema = z.object({
  id,
  at: time,
  /** The webhook: `github`, `gitlab`, `gitea`, `generic`; another word where none of that name is known. */
  dialect: z.string(),
  /** Address that it came from; null: not on record. */
  origin: z.string().nullable(),
  /** As the host names it; null: it named none. */
  event: z.string().nullable(),
  /** The host's own name for the delivery; null: it gave none. */
  deliveryId: z.string().nullable(),
  sizeBytes: z.number().int(),
  outcome: z.enum(['accepted', 'ignored', 'refused']),
  /** The error's code, where it was refused. */
  code: z.string().nullable(),
  /** Why it was refused or ignored. */
  reason: z.string().nullable(),
  /** Changes that it made, or told a second time. */
  changeIds: z.array(id),
  /** The delivery whose body was read again; null: it came from outside. */
  redeliveryOf: id.nullable(),
  /** Whether its body is kept, so that it can be read again. */
  isKept: z.boolean(),
});
export type HookDelivery = z.infer<typeof hookDeliverySchema>;
