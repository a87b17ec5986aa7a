import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type DockerPoolOptions, dockerPool, type KubernetesPoolOptions, kubernetesPool } from '../config/pools.ts';
import { collectProblems } from '../config/problems.ts';
import { DockerContainers } from './docker-containers.ts';
import { KubernetesPods } from './kubernetes-pods.ts';
import { ClusterDouble } from './testing/cluster-double.ts';
import { EngineDouble } from './testing/engine-double.ts';
import { temporaryFolder } from './testing/http-double.ts';
import { realCluster } from './testing/real-cluster.ts';
import type { TestCluster } from './testing/test-cluster.ts';

const FIRST = { worker: 'burst-1', token: 'secret', image: 'agent:1' };
const POOL = { name: 'burst', maximum: 2, image: 'agent:1', master: 'ws://master:9989' };

const TOLERATIONS = [
  { operator: 'Exists', effect: 'NoSchedule' },
  { key: 'gpu', operator: 'Equal', value: 'yes', effect: 'NoExecute', tolerationSeconds: 60 },
] as const;
const TEMPLATE: Partial<KubernetesPoolOptions> = {
  ...{ cpu: '2', resources: { 'nvidia.com/gpu': '1' }, user: 10001, capabilities: ['SYS_PTRACE'] },
  ...{ serviceAccount: 'builds', serviceAccountToken: true, imagePullSecrets: ['registry'] },
  ...{ labels: { team: 'a' }, annotations: { 'example.org/note': 'a text!' } },
  nodeSelector: { arch: 'amd64' },
  nodeAffinity: {
    required: [
      { key: 'gpu', operator: 'In', values: ['a100', 'h100'] },
      { key: 'spot', operator: 'DoesNotExist' },
    ],
    preferred: [{ key: 'disk', operator: 'Exists', weight: 50 }],
  },
  tolerations: TOLERATIONS,
  volumes: [
    {
      path: '/cvmfs',
      claim: 'icefall-tree',
      readOnly: true,
      subPath: 'published',
      mountPropagation: 'HostToContainer',
    },
    { path: '/var/lib/icefall', scratch: '50Gi' },
    { path: '/dev/shm', memory: '2Gi' },
    { path: '/run/licence', secret: 'licence' },
    { path: '/etc/site', configMap: 'site' },
    { path: '/data', hostPath: '/data' },
    { path: '/export', nfs: { server: 'nfs.example.org', path: '/export' } },
    { path: '/other', csi: { driver: 'cvmfs.csi.cern.ch', attributes: { repository: 'a.example' } } },
  ],
};

/** A pool without a mistake. */
function declared<T>(declare: () => T): T {
  const { value, problems } = collectProblems(declare);
  expect(problems).toEqual([]);
  return value;
}

/** `npm run kubernetes` names the configuration of an administrator of a real API server, without any node. */
const { ICEFALL_TEST_CLUSTER: administrator } = process.env;
const what = administrator === undefined ? 'a double of its API' : 'a real API server';

async function cluster(options: Partial<KubernetesPoolOptions> = { cpu: '2', memory: '4Gi' }) {
  return using(administrator === undefined ? await ClusterDouble.start() : await realCluster(administrator), options);
}

function using<T extends TestCluster>(there: T, options: Partial<KubernetesPoolOptions> = {}) {
  const { kubeconfig } = there;
  const pool = declared(() => kubernetesPool({ ...POOL, kubeconfig, ...options }));
  const provider = (owner = 'me', random = 0.5) => new KubernetesPods(pool, owner, () => random);
  return { there, provider };
}

describe(`pods of a cluster (${what})`, () => {
  test('are made unprivileged, with the token of their worker and without the cluster’s, and never restart', async () => {
    const { there, provider } = await cluster();
    await provider().start(FIRST);
    expect((await there.pods())[0]).toMatchObject({
      metadata: {
        name: 'burst-1-i0000',
        labels: { 'icefall.dev/pool': 'burst', 'icefall.dev/worker': 'burst-1' },
        annotations: { 'icefall.dev/image': 'agent:1' },
      },
      spec: {
        ...{ restartPolicy: 'Never', automountServiceAccountToken: false },
        securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          {
            image: 'agent:1',
            env: [
              { name: 'ICEFALL_MASTER', value: 'ws://master:9989' },
              { name: 'ICEFALL_WORKER_NAME', value: 'burst-1' },
              { name: 'ICEFALL_WORKER_TOKEN', value: 'secret' },
            ],
            resources: { requests: { cpu: '2', memory: '4Gi' }, limits: { cpu: '2', memory: '4Gi' } },
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          },
        ],
      },
    });
  });

  test('have what their pool says: volumes, nodes, taints, accounts, devices', async () => {
    const { there, provider } = await cluster(TEMPLATE);
    await provider().start(FIRST);
    const [pod] = await there.pods();
    expect(pod).toMatchObject({
      metadata: { labels: { team: 'a' }, annotations: { 'example.org/note': 'a text!' } },
      spec: {
        ...{ serviceAccountName: 'builds', automountServiceAccountToken: true, nodeSelector: { arch: 'amd64' } },
        imagePullSecrets: [{ name: 'registry' }],
        securityContext: { runAsUser: 10001, runAsGroup: 10001, fsGroup: 10001, runAsNonRoot: true },
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [
                {
                  matchExpressions: [
                    { key: 'gpu', operator: 'In', values: ['a100', 'h100'] },
                    { key: 'spot', operator: 'DoesNotExist' },
                  ],
                },
              ],
            },
            preferredDuringSchedulingIgnoredDuringExecution: [
              { weight: 50, preference: { matchExpressions: [{ key: 'disk', operator: 'Exists' }] } },
            ],
          },
        },
        volumes: [
          { name: 'volume-1', persistentVolumeClaim: { claimName: 'icefall-tree' } },
          { name: 'volume-2', emptyDir: { sizeLimit: '50Gi' } },
          { name: 'volume-3', emptyDir: { medium: 'Memory', sizeLimit: '2Gi' } },
          { name: 'volume-4', secret: { secretName: 'licence' } },
          { name: 'volume-5', configMap: { name: 'site' } },
          { name: 'volume-6', hostPath: { path: '/data' } },
          { name: 'volume-7', nfs: { server: 'nfs.example.org', path: '/export' } },
          { name: 'volume-8', csi: { driver: 'cvmfs.csi.cern.ch', volumeAttributes: { repository: 'a.example' } } },
        ],
        containers: [
          {
            resources: { limits: { cpu: '2', 'nvidia.com/gpu': '1' }, requests: { cpu: '2', 'nvidia.com/gpu': '1' } },
            securityContext: { capabilities: { drop: ['ALL'], add: ['SYS_PTRACE'] } },
            volumeMounts: expect.arrayContaining([
              {
                ...{ name: 'volume-1', mountPath: '/cvmfs', readOnly: true, subPath: 'published' },
                mountPropagation: 'HostToContainer',
              },
              { name: 'volume-2', mountPath: '/var/lib/icefall' },
            ]),
          },
        ],
      },
    });
    expect(pod?.spec?.tolerations).toEqual(expect.arrayContaining([...TOLERATIONS]));
  });

  test('are of classes that the cluster must know', async () => {
    const classes = { runtimeClass: 'nvidia', priorityClass: 'low' };
    const { there, provider } = using(await ClusterDouble.start(), classes);
    await provider().start(FIRST);
    expect((await there.pods())[0]?.spec).toMatchObject({ runtimeClassName: 'nvidia', priorityClassName: 'low' });
  });

  test('are listed for their own master only, and removed once or twice', async () => {
    const { there, provider } = await cluster();
    await provider().start(FIRST);
    const since = Date.parse(String((await there.pods())[0]?.metadata.creationTimestamp));
    const listed = {
      id: 'burst-1-i0000',
      worker: 'burst-1',
      image: 'agent:1',
      state: 'starting',
      since,
      trouble: null,
    };
    expect(await provider().list()).toEqual([listed]);
    expect(await provider('another').list()).toEqual([]);
    await provider().remove('burst-1-i0000');
    await provider().remove('burst-1-i0000');
    expect(await provider().list()).toEqual([]);
  });

  test('that are deleted are no workers any more, though they are there until they have ended', async () => {
    const { there, provider } = await cluster();
    await provider().start(FIRST);
    await there.assign('burst-1-i0000');
    await there.setStatus('burst-1-i0000', { phase: 'Running' });
    await provider().remove('burst-1-i0000');
    expect([(await there.pods()).length, await provider().list()]).toEqual([1, []]);
    await provider().remove('burst-1-i0000');
    await there.endDeleted('burst-1-i0000');
    expect(await there.pods()).toEqual([]);
  });

  test.each([
    [
      {
        phase: 'Pending',
        conditions: [
          { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available' },
        ],
      },
      { state: 'starting', trouble: 'Unschedulable: 0/3 nodes are available' },
    ],
    [
      {
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'True' }],
        containerStatuses: [waiting('ImagePullBackOff', 'Back-off pulling image "agent:1"')],
      },
      { state: 'starting', trouble: 'ImagePullBackOff: Back-off pulling image "agent:1"' },
    ],
    [
      { phase: 'Pending', containerStatuses: [waiting('ErrImagePull', 'not found')] },
      { state: 'starting', trouble: 'ErrImagePull: not found' },
    ],
    [
      { phase: 'Pending', containerStatuses: [waiting('ContainerCreating')] },
      { state: 'starting', trouble: null },
    ],
    [{ phase: 'Running' }, { state: 'running', trouble: null }],
    [
      { phase: 'Failed', message: 'The node was low on resource: memory', reason: 'Evicted' },
      { state: 'ended', trouble: 'The node was low on resource: memory' },
    ],
    [
      {
        phase: 'Failed',
        containerStatuses: [{ ...waiting('', ''), state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }],
      },
      { state: 'ended', trouble: 'OOMKilled: exit code 137' },
    ],
  ])('in the state %j tell what is the matter', async (status, expected) => {
    const { there, provider } = await cluster();
    await provider().start(FIRST);
    await there.setStatus('burst-1-i0000', status);
    expect(await provider().list()).toMatchObject([expected]);
  });

  test('that wait on their node for a volume tell what events say, the last of them', async () => {
    const { there, provider } = await cluster();
    await provider().start(FIRST);
    const scheduled = { type: 'PodScheduled', status: 'True' };
    await there.setStatus('burst-1-i0000', { phase: 'Pending', conditions: [scheduled] });
    expect(await provider().list()).toMatchObject([{ state: 'starting', trouble: null }]);
    await there.warn('burst-1-i0000', 'FailedAttachVolume', 'Multi-Attach error for volume "pvc-1"');
    await there.warn('burst-1-i0000', 'FailedMount', 'MountVolume.SetUp failed for volume "volume-1"');
    await there.warn('burst-1-i0000', 'FailedScheduling', 'of before');
    await there.warn('another', 'FailedMount', 'not its own');
    const trouble = 'FailedMount: MountVolume.SetUp failed for volume "volume-1"';
    expect(await provider().list()).toMatchObject([{ state: 'starting', trouble }]);
    await there.setStatus('burst-1-i0000', { phase: 'Running', conditions: [scheduled] });
    expect(await provider().list()).toMatchObject([{ state: 'running', trouble: null }]);
  });

  test('are listed by a master that may not see events, too, which says so', async () => {
    const { there, provider } = await cluster();
    await provider().start(FIRST);
    const conditions = [{ type: 'PodScheduled', status: 'True' }];
    await there.setStatus('burst-1-i0000', { phase: 'Pending', conditions });
    await there.setRights(['list']);
    const [pod] = await provider().list();
    expect(pod?.trouble).toMatch(/^events is forbidden: User .* cannot list resource "events"/);
  });

  test('beyond the quota are refused in the words of the cluster', async () => {
    const { there, provider } = await cluster();
    await there.setQuota(1);
    await provider().start(FIRST);
    const words = 'exceeded quota: builds, requested: pods=1, used: pods=1, limited: pods=1';
    await expect(provider('another', 0.4).start(FIRST)).rejects.toMatchObject({
      ...{ code: 'provider', message: `pods "burst-1-eeeee" is forbidden: ${words}` },
    });
  });

  test('that the master may not make are refused in the words of the cluster', async () => {
    const { there, provider } = await cluster();
    await there.setRights(['list']);
    await expect(provider().start(FIRST)).rejects.toThrow(
      /^pods is forbidden: User "system:serviceaccount:ci.*:master" cannot create resource "pods" in API group "" in the namespace "ci/,
    );
  });

  test('are asked of what stands in front of the cluster, which may not know what it says', async () => {
    const { there, provider } = using(await ClusterDouble.start());
    there.proxyError = { status: 503, body: '<html>no backend</html>' };
    await expect(provider().start(FIRST)).rejects.toThrow('the cluster answered 503');
  });

  test('of a cluster that nobody named are none: it says how to name one', () => {
    vi.stubEnv('KUBECONFIG', '');
    vi.stubEnv('HOME', temporaryFolder());
    onTestFinished(() => void vi.unstubAllEnvs());
    const pool = declared(() => kubernetesPool(POOL));
    expect(() => new KubernetesPods(pool, 'me', () => 0)).toThrow(
      'pool "burst" knows no cluster: say kubeconfig: FILE',
    );
  });

  test('of the same name are not made twice', async () => {
    const { provider } = await cluster();
    await provider().start(FIRST);
    await expect(provider().start(FIRST)).rejects.toThrow('pods "burst-1-i0000" already exists');
  });
});

function waiting(reason: string, message = '') {
  const facts = { name: 'worker', image: 'agent:1', imageID: '', ready: false, restartCount: 0 };
  return { ...facts, state: { waiting: { reason, message } } };
}

async function engine(options: Partial<DockerPoolOptions> = { network: 'builds', env: { A: 'b' } }) {
  const double = await EngineDouble.start();
  const { socket } = double;
  const pool = declared(() => dockerPool({ ...POOL, name: 'local', socket, ...options }));
  const provider = () => new DockerContainers(pool, 'me');
  return { double, provider };
}

describe('containers of an engine (a double of its API)', () => {
  test('are made, started, listed and removed', async () => {
    const { double, provider } = await engine();
    await provider().start({ ...FIRST, worker: 'local-1' });
    expect(double.containers[0]?.asked).toMatchObject({
      Image: 'agent:1',
      Env: ['A=b', 'ICEFALL_MASTER=ws://master:9989', 'ICEFALL_WORKER_NAME=local-1', 'ICEFALL_WORKER_TOKEN=secret'],
      HostConfig: { Init: true, SecurityOpt: ['no-new-privileges'], NetworkMode: 'builds' },
    });
    const running = {
      id: 'c1',
      worker: 'local-1',
      image: 'agent:1',
      state: 'running',
      since: 1_000_000,
      trouble: null,
    };
    expect(await provider().list()).toEqual([running]);
    await provider().remove('c1');
    await provider().remove('c1');
    expect(await provider().list()).toEqual([]);
  });

  test('have what their pool says: limits, volumes, devices, GPUs', async () => {
    const { double, provider } = await engine({
      ...{ cpu: '1500m', memory: '4Gi', user: 10001, capabilities: ['SYS_ADMIN'], devices: ['/dev/fuse'], gpus: 'all' },
      volumes: [
        { path: '/cvmfs', hostPath: '/srv/cvmfs', readOnly: true, mountPropagation: 'HostToContainer' },
        { path: '/cache', volume: 'ccache' },
        { path: '/dev/shm', memory: '1.5G' },
      ],
    });
    await provider().start(FIRST);
    expect(double.containers[0]?.asked).toMatchObject({
      User: '10001:10001',
      HostConfig: {
        ...{ NanoCpus: 1_500_000_000, Memory: 4_294_967_296, CapAdd: ['SYS_ADMIN'] },
        Mounts: [
          {
            ...{ Type: 'bind', Source: '/srv/cvmfs', Target: '/cvmfs', ReadOnly: true },
            BindOptions: { Propagation: 'rslave' },
          },
          { Type: 'volume', Source: 'ccache', Target: '/cache', ReadOnly: false },
          { Type: 'tmpfs', Target: '/dev/shm', TmpfsOptions: { SizeBytes: 1_500_000_000, Mode: 0o1777 } },
        ],
        Devices: [{ PathOnHost: '/dev/fuse', PathInContainer: '/dev/fuse', CgroupPermissions: 'rwm' }],
        DeviceRequests: [{ Count: -1, Capabilities: [['gpu']] }],
      },
    });
  });

  test('whose image is not there are made when it has been pulled; one that cannot be is told in the engine’s words', async () => {
    const { double, provider } = await engine();
    await provider().start({ ...FIRST, image: 'other:2' });
    expect([double.pulls, double.containers.length]).toEqual([['other'], 1]);
    await expect(provider().start({ ...FIRST, image: 'none:1' })).rejects.toMatchObject({
      ...{ code: 'provider', message: 'pull access denied for none' },
    });
  });

  test('that do not start leave nothing behind', async () => {
    const { double, provider } = await engine();
    double.startFails = 'network builds not found';
    await expect(provider().start(FIRST)).rejects.toThrow('network builds not found');
    expect(double.containers).toEqual([]);
  });

  test('that have ended say how', async () => {
    const { double, provider } = await engine();
    await provider().start(FIRST);
    Object.assign(double.containers[0] ?? {}, { State: 'exited', Status: 'Exited (137) 2 seconds ago' });
    expect(await provider().list()).toMatchObject([{ state: 'ended', trouble: 'Exited (137) 2 seconds ago' }]);
  });
});
