import type { ContainerCreateOptions, HostConfig, MountSettings } from 'dockerode';
import type { ContainerVolume } from '../config/pool-volumes.ts';
import type { DockerPool } from '../config/pools.ts';
import { IMAGE_MARK, LABELS, type NewContainer } from './provider.ts';

/** The container of a worker; without any way to more rights than it has. */
export function containerOptionsOf(
  pool: DockerPool,
  { worker, token, image, owner }: NewContainer & { readonly owner: string },
): ContainerCreateOptions {
  const { name, env, master, user } = pool;
  const variables = { ...env, ICEFALL_MASTER: master, ICEFALL_WORKER_NAME: worker, ICEFALL_WORKER_TOKEN: token };
  return {
    Image: image,
    ...(user === undefined ? {} : { User: `${user}:${user}` }),
    Env: Object.entries(variables).map(([key, value]) => `${key}=${value}`),
    Labels: { [LABELS.owner]: owner, [LABELS.pool]: name, [LABELS.worker]: worker, [IMAGE_MARK]: image },
    HostConfig: hostConfigOf(pool),
  };
}

function hostConfigOf({ network, cpu, memory, capabilities, volumes, devices, gpus }: DockerPool): HostConfig {
  const gpuRequest = { Count: gpus === 'all' ? -1 : gpus, Capabilities: [['gpu']] };
  return {
    // Reaps what daemons of builds leave behind.
    Init: true,
    SecurityOpt: ['no-new-privileges'],
    ...(network === undefined ? {} : { NetworkMode: network }),
    ...(cpu === undefined ? {} : { NanoCpus: Math.round(numberOf(cpu) * 1e9) }),
    ...(memory === undefined ? {} : { Memory: bytesOf(memory) }),
    ...(capabilities === undefined ? {} : { CapAdd: [...capabilities] }),
    ...(volumes === undefined ? {} : { Mounts: volumes.map(mountOf) }),
    ...(devices === undefined ? {} : { Devices: devices.map(deviceOf) }),
    ...(gpus === undefined ? {} : { DeviceRequests: [gpuRequest] }),
  };
}

function mountOf(volume: ContainerVolume): MountSettings {
  const { path, readOnly = false, mountPropagation } = volume;
  const place = { Target: path, ReadOnly: readOnly };
  if ('memory' in volume)
    return { ...place, Type: 'tmpfs', Source: '', TmpfsOptions: { SizeBytes: bytesOf(volume.memory), Mode: 0o1777 } };
  if ('volume' in volume) return { ...place, Type: 'volume', Source: volume.volume };
  const propagation = mountPropagation === undefined ? {} : { BindOptions: { Propagation: 'rslave' as const } };
  return { ...place, Type: 'bind', Source: volume.hostPath, ...propagation };
}

function deviceOf(path: string) {
  return { PathOnHost: path, PathInContainer: path, CgroupPermissions: 'rwm' };
}

/** As Kubernetes writes quantities. */
const UNITS: Readonly<Record<string, number>> = {
  ...{ '': 1, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 },
};

function bytesOf(size: string): number {
  return Math.round(numberOf(size));
}

function numberOf(quantity: string): number {
  const [, digits = '', unit = ''] = /^([\d.]+)(\w*)$/.exec(quantity) ?? [];
  return Number(digits) * (UNITS[unit] ?? Number.NaN);
}
