import type { ForcePreview, ForceRequest } from '@icefall/shared';
import { outlookOf } from './distributor/outlook.ts';
import type { NewBuildset } from './requests/buildsets.ts';
import type { Rooms } from './rooms.ts';
import { FormError } from './schedulers/errors.ts';

/** What a filled-in form would start now. A form with mistakes still tells what its builders would wait for. */
export function previewOf(rooms: Rooms, scheduler: string, request: ForceRequest, who: string | null): ForcePreview {
  const { buildset, fields } = planned(rooms, scheduler, request, who);
  const declared = rooms.config.scheduler(scheduler)?.builders ?? [];
  const builders = declared.filter(({ name }) => request.builders?.includes(name) ?? true);
  const outlook = { ...rooms, lockHolders: (lock: string) => rooms.lockBlockers.holders(lock) };
  return {
    sourceStamps: buildset === null ? null : [...buildset.sourceStamps],
    fields,
    requests: builders.map((builder) => outlookOf(outlook, builder, buildset)),
  };
}

function planned(
  rooms: Rooms,
  ...form: [scheduler: string, request: ForceRequest, who: string | null]
): { buildset: NewBuildset | null; fields: Record<string, string> } {
  try {
    return { buildset: rooms.schedulers.planned(...form), fields: {} };
  } catch (error) {
    if (!(error instanceof FormError)) throw error;
    return { buildset: null, fields: { ...error.fields } };
  }
}
