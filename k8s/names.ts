import { type Image, imageName } from '@icefall/docker/image';
import type { Platform } from '@icefall/docker/platforms';
import { POLICY } from '@icefall/docker/policy';

/** Names that several manifests and the runbook use. */
export const NAMESPACE = 'icefall';
export const PORTS = { page: 8010, workers: 9989, stratum0: 8000 } as const;
/** Holds NAME.token for every worker; made by hand (docs/runbook.md), never checked in. */
export const TOKENS = 'icefall-worker-tokens';
export const SETTINGS = 'icefall-settings';
export const CLAIMS = {
  master: 'icefall-master',
  backup: 'icefall-backup',
  tree: 'icefall-tree',
  stratum0: 'icefall-stratum0',
} as const;

/** A platform's part of a name: DNS has no dots in labels. */
export function objectName(platform: string): string {
  return `worker-${platform.replaceAll('.', '-')}`;
}

export type Role = 'master' | 'worker' | 'stratum0';

/** Labels of everything; the selector is the first of them. */
export function labels(name: string, role: Role, platform?: Platform) {
  return {
    ...selector(name),
    'app.kubernetes.io/part-of': 'icefall',
    'icefall/role': role,
    ...(platform === undefined ? {} : { 'icefall/platform': platform.name }),
  };
}

export const selector = (name: string) => ({ 'app.kubernetes.io/name': name });

/** Limits from the labels of the image: what its container needs is what it gets, so that its node never runs out. */
export function resources({ needs }: Image) {
  const memory = `${needs.memoryMb}Mi`;
  const gpus: Record<string, string> = needs.gpus === 0 ? {} : { 'nvidia.com/gpu': String(needs.gpus) };
  return {
    requests: { cpu: String(needs.cpus), memory, ...gpus },
    limits: { cpu: String(needs.cpus), memory, ...gpus },
  };
}

/** Of every pod: nobody is root, volumes are the site's user's. */
export const POD_SECURITY = {
  runAsNonRoot: true,
  runAsUser: POLICY.user.uid,
  runAsGroup: POLICY.user.uid,
  fsGroup: POLICY.user.uid,
  // A tree of terabytes is not walked at every start.
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
} as const;

/** Of every container: no way to more rights, nothing written but in volumes. */
export const CONTAINER_SECURITY = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};

export const image = (of: Image) => ({ image: imageName(of), imagePullPolicy: 'IfNotPresent' }) as const;

/** A volume with one worker's token, and nobody else's. */
export function tokenVolume(worker: string) {
  return {
    name: 'token',
    secret: { secretName: TOKENS, items: [{ key: `${worker}.token`, path: 'token' }], defaultMode: 0o440 },
  };
}

/** A volume that ends with its pod. */
export const scratch = (name: string) => ({ name, emptyDir: {} });
export const claimed = (name: string, claimName: string) => ({ name, persistentVolumeClaim: { claimName } });
