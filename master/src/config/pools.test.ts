import { describe, expect, test } from 'vitest';
import { type DockerPoolOptions, dockerPool, type KubernetesPoolOptions, kubernetesPool } from './pools.ts';
import { collectProblems } from './problems.ts';

const POOL = { name: 'burst', maximum: 2, image: 'agent:1', master: 'ws://master:9989' };

const mistakes = (declare: () => unknown) => collectProblems(declare).problems.map(({ message }) => message);
const pods = (options: object) => mistakes(() => kubernetesPool({ ...POOL, ...options } as KubernetesPoolOptions));
const containers = (options: object) => mistakes(() => dockerPool({ ...POOL, ...options } as DockerPoolOptions));

describe('a pool of pods', () => {
  test('takes what a site needs: shared trees, GPU nodes, accounts', () => {
    const options = {
      ...{ cpu: '500m', memory: '8Gi', resources: { 'nvidia.com/gpu': '1' }, user: 10001, capabilities: ['SYS_ADMIN'] },
      volumes: [{ path: '/cvmfs', claim: 'cvmfs', readOnly: true, mountPropagation: 'HostToContainer' }],
      nodeAffinity: { required: [{ key: 'gpu', operator: 'In', values: ['a100'] }] },
      tolerations: [{ operator: 'Exists' }, { key: 'gpu', value: 'yes', effect: 'NoExecute', tolerationSeconds: 60 }],
      ...{ serviceAccount: 'builds', serviceAccountToken: true, imagePullSecrets: ['registry'] },
      ...{
        runtimeClass: 'nvidia',
        priorityClass: 'low',
        labels: { team: 'a' },
        annotations: { 'example.org/a': '?!' },
      },
    };
    expect(pods(options)).toEqual([]);
  });

  test.each([
    [{}, 'must say exactly one of claim, scratch, memory, secret, configMap, hostPath, nfs, csi; none is there'],
    [{ claim: 'a', secret: 'b' }, 'must say exactly one of claim,.* there are claim and secret'],
    [{ claim: 'No_Such' }, 'option "volumes.0.claim": must be a name of lower-case letters.*"No_Such"'],
    [{ scratch: '500m' }, 'option "volumes.0.scratch": must be a size such as 512Mi or 4Gi'],
    [{ path: 'data', claim: 'a' }, 'option "volumes.0.path": must be an absolute path'],
    [{ path: '/', claim: 'a' }, 'must be an absolute path, not the root'],
    [{ path: '/a/../b', claim: 'a' }, 'must be an absolute path, .*without'],
    [{ path: '/a:b', claim: 'a' }, 'must not hold a colon'],
    [{ claim: 'a', subPath: '../b' }, 'option "volumes.0.subPath": must be a path below the root'],
    [{ claim: 'a', readonly: true }, 'option "volumes.0": unknown option "readonly"'],
    [{ nfs: { server: 'a' } }, 'option "volumes.0.nfs.path": is missing'],
    [{ claim: 'a', mountPropagation: 'Bidirectional' }, 'option "volumes.0.mountPropagation"'],
  ])('refuses the volume %j', (volume, message) => {
    expect(pods({ volumes: [{ path: '/data', ...volume }] })).toEqual([
      expect.stringMatching(`^kubernetesPool "burst": .*${message}`),
    ]);
  });

  test('has no two volumes at one place', () => {
    const volumes = [
      { path: '/data', claim: 'a' },
      { path: '/data', scratch: '1Gi' },
    ];
    expect(pods({ volumes })).toEqual([expect.stringContaining('option "volumes.1.path": another volume is there')]);
  });

  test.each([
    [{ effect: 'NoSchedule' }, 'without "key" needs operator: \'Exists\''],
    [{ key: 'a', operator: 'Exists', value: 'b' }, 'with operator: \'Exists\' takes no "value"'],
    [{ key: 'a', effect: 'NoSchedule', tolerationSeconds: 1 }, '"tolerationSeconds" needs effect: \'NoExecute\''],
    [{ key: 'a b' }, 'must be the key of a label'],
  ])('refuses the toleration %j as the cluster would', (toleration, message) => {
    expect(pods({ tolerations: [toleration] })).toEqual([expect.stringContaining(message)]);
  });

  test.each([
    [{ key: 'a', operator: 'In' }, 'In needs at least one of "values"'],
    [{ key: 'a', operator: 'Exists', values: ['b'] }, 'Exists takes no "values"'],
    [{ key: 'a', operator: 'Gt', values: ['1', '2'] }, 'Gt needs one whole number in "values"'],
    [{ key: 'a', operator: 'Lt', values: ['many'] }, 'Lt needs one whole number in "values"'],
  ])('refuses %j of a node as the cluster would', (expression, message) => {
    for (const how of ['required', 'preferred'])
      expect(pods({ nodeAffinity: { [how]: [expression] } })).toEqual([
        expect.stringContaining(`option "nodeAffinity.${how}.0": ${message}`),
      ]);
  });

  test.each([
    [{ serviceAccountToken: true }, 'option "serviceAccountToken": needs "serviceAccount"'],
    [{ memory: '500m' }, 'option "memory": must be a size such as'],
    [{ cpu: '4Gi' }, 'option "cpu": must be a number of cores such as'],
    [{ resources: { cpu: '4' } }, 'option "resources.cpu": has an option of its own'],
    [{ labels: { 'icefall.dev/master': 'x' } }, 'is one of the pool’s own'],
    [{ capabilities: ['CAP_SYS_ADMIN'] }, 'must be a capability without CAP_, such as SYS_ADMIN'],
    [{ devices: ['/dev/fuse'] }, 'unknown option "devices"'],
  ])('refuses %j', (options, message) => {
    expect(pods(options)).toEqual([expect.stringContaining(message)]);
  });
});

describe('a pool of containers', () => {
  test('takes directories, devices and GPUs of the machine', () => {
    const volumes = [
      { path: '/cvmfs', hostPath: '/cvmfs', readOnly: true, mountPropagation: 'HostToContainer' },
      { path: '/cache', volume: 'ccache' },
      { path: '/dev/shm', memory: '2Gi' },
    ];
    expect(containers({ volumes, devices: ['/dev/fuse'], gpus: 'all', cpu: '4', memory: '8Gi', user: 0 })).toEqual([]);
  });

  test.each([
    [{ volumes: [{ path: '/a', volume: 'b', claim: 'c' }] }, 'option "volumes.0": unknown option "claim"'],
    [{ volumes: [{ path: '/a' }] }, 'must say exactly one of volume, hostPath, memory; none is there'],
    [
      { volumes: [{ path: '/a', volume: 'b', mountPropagation: 'HostToContainer' }] },
      'option "volumes.0.mountPropagation": needs "hostPath"',
    ],
    [{ devices: ['fuse'] }, 'option "devices.0": must be a device such as /dev/fuse (found "fuse")'],
    [{ gpus: 0 }, 'option "gpus": Too small'],
    [{ gpus: 'both' }, 'option "gpus": must be a number of GPUs, or all'],
    [{ tolerations: [] }, 'unknown option "tolerations"'],
  ])('refuses %j', (options, message) => {
    expect(containers(options)).toEqual([expect.stringContaining(message)]);
  });
});
