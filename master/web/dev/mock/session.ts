import type { Caller } from '@icefall/shared';
import { PERMISSIONS } from '../../../src/access/permissions.ts';

/** Whoever asks, where a site does not say who may do what: everything is theirs. */
export const LOCAL_CALLER: Caller = {
  ...{ kind: 'local', name: null, csrf: null, canSignIn: false, providers: [] },
  grants: PERMISSIONS.map((permission) => ({ permission, builders: null })),
};
