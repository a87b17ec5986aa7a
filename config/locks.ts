import { masterLock } from '@icefall/master/config';
import { settings } from './settings.ts';

/** The shared tree. Builds and data copies take it counting; a checkout, a publish and the backup take it alone. */
export const sharedTree = masterLock('cvmfs_shared', { maxCount: 100 });

/** The served repositories. Whoever opens a transaction or touches what is served takes it alone. */
export const publishing = masterLock('cvmfs_publish');

/** Cores, for steps that keep several busy; two are left to everything else. */
export const cpu = masterLock('cpu', { maxCount: Math.max(1, settings.cores - 2) });

/** The one graphics card, for steps that need it. */
export const gpu = masterLock('gpu');
