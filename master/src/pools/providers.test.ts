import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import type { V1Pod } from '@kubernetes/client-node';
import { describe, expect, onTestFinished, test } from 'vitest';
import { dockerPool, kubernetesPool } from '../config/pools.ts';
import { DockerContainers } from './docker-containers.ts';
import { KubernetesPods } from './kubernetes-pods.ts';

/**
 * Doubles of the two APIs over HTTP, as their references describe them: no cluster and no engine can be run where these
 * tests are. They take what the real clients send, and answer in the shapes that are documented; anything else is a 404.
 */
type Handler = (request: IncomingMessage, url: URL, body: unknown) => { status: number; body: unknown } | null;

async function serve(handle: Handler, at: number | string): Promise<Server> {
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const answer = async () => {
      const hasBody = request.method === 'POST' && request.headers['content-length'] !== '0';
      const body = hasBody && /json/.test(request.headers['content-type'] ?? '') ? await json(request) : null;
      const { status, body: text } = handle(request, new URL(request.url ?? '', 'http://double'), body) ?? {
        ...{ status: 404, body: { kind: 'Status', message: `the double knows no ${request.method} ${request.url}` } },
      };
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(text));
    };
    answer().catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  server.listen(at);
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'icefall-pools-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A cluster's API of pods in one namespace. */
async function cluster() {
  const pods: V1Pod[] = [];
  const state = { refusal: null as string | null, authorization: '' };
  const handle: Handler = (request, url, body) => {
    state.authorization = request.headers.authorization ?? '';
    const [, name] = /^\/api\/v1\/namespaces\/ci\/pods(?:\/([^/]+))?$/.exec(url.pathname) ?? ['', null];
    if (name === null) return null;
    const status = (code: number, message: string) => ({
      ...{ status: code, body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code } },
    });
    if (request.method === 'POST') {
      if (state.refusal !== null) return status(403, state.refusal);
      const pod = body as V1Pod;
      const made = { ...pod, metadata: { ...pod.metadata, creationTimestamp: '2025-06-02T12:00:00Z' } };
      pods.push({ ...made, status: { phase: 'Pending' } } as object as V1Pod);
      return { status: 201, body: pods.at(-1) };
    }
    if (request.method === 'GET') {
      const wanted = (url.searchParams.get('labelSelector') ?? '').split(',').map((pair) => pair.split('='));
      const items = pods.filter((pod) => wanted.every(([key = '', value]) => pod.metadata?.labels?.[key] === value));
      return { status: 200, body: { kind: 'PodList', apiVersion: 'v1', metadata: {}, items } };
    }
    const index = pods.findIndex((pod) => pod.metadata?.name === name);
    if (request.method !== 'DELETE' || index < 0) return status(404, `pods "${name}" not found`);
    return { status: 200, body: pods.splice(index, 1)[0] };
  };
  const server = await serve(handle, 0);
  const kubeconfig = join(temporaryDirectory(), 'config');
  const { port } = server.address() as AddressInfo;
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'c' },
      clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'u', user: { token: 'cluster-token' } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u', namespace: 'ci' } }],
    }),
  );
  const options = { name: 'burst', maximum: 2, image: 'agent:1', master: 'ws://master:9989', kubeconfig };
  const pool = kubernetesPool({ ...options, cpu: '2', memory: '4Gi', nodeSelector: { arch: 'amd64' } });
  const provider = (owner = 'me') => new KubernetesPods(pool, owner, () => 0.5);
  return { pods, state, provider };
}

describe('pods of a cluster (a double of its API)', () => {
  test('are made unprivileged, with the token of their worker and without the cluster’s, and never restart', async () => {
    const { pods, state, provider } = await cluster();
    await provider().start({ worker: 'burst-1', token: 'secret' });
    expect(state.authorization).toBe('Bearer cluster-token');
    expect(pods[0]).toMatchObject({
      metadata: { name: 'burst-1-i0000', labels: { 'icefall.dev/pool': 'burst', 'icefall.dev/worker': 'burst-1' } },
      spec: {
        ...{ restartPolicy: 'Never', automountServiceAccountToken: false, nodeSelector: { arch: 'amd64' } },
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

  test('are listed for their own master only, and removed once or twice', async () => {
    const { provider } = await cluster();
    await provider().start({ worker: 'burst-1', token: 'x' });
    const since = Date.UTC(2025, 5, 2, 12);
    const listed = { id: 'burst-1-i0000', worker: 'burst-1', state: 'starting', since, trouble: null };
    expect(await provider().list()).toEqual([listed]);
    expect(await provider('another').list()).toEqual([]);
    await provider().remove('burst-1-i0000');
    await provider().remove('burst-1-i0000');
    expect(await provider().list()).toEqual([]);
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
        containerStatuses: [{ state: { waiting: { reason: 'ErrImagePull', message: 'not found' } } }],
      },
      { state: 'starting', trouble: 'ErrImagePull: not found' },
    ],
    [
      { phase: 'Pending', containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } } }] },
      { state: 'starting', trouble: null },
    ],
    [{ phase: 'Running' }, { state: 'running', trouble: null }],
    [
      { phase: 'Failed', message: 'The node was low on resource: memory' },
      { state: 'ended', trouble: 'The node was low on resource: memory' },
    ],
  ])('in the state %j tell what is the matter', async (status, expected) => {
    const { pods, provider } = await cluster();
    await provider().start({ worker: 'burst-1', token: 'x' });
    pods[0] = { ...pods[0], status } as V1Pod;
    expect(await provider().list()).toMatchObject([expected]);
  });

  test('that the cluster refuses are refused in its words', async () => {
    const { state, provider } = await cluster();
    state.refusal = 'pods "burst-1-i0000" is forbidden: exceeded quota: builds, requested: pods=1, used: pods=9';
    await expect(provider().start({ worker: 'burst-1', token: 'x' })).rejects.toMatchObject({
      ...{ code: 'provider', message: state.refusal },
    });
  });
});

interface FakeContainer {
  readonly Id: string;
  readonly Labels: Readonly<Record<string, string>>;
  State: string;
  Status: string;
  readonly Created: number;
  readonly created: Record<string, unknown>;
}

/** An engine's API of containers, on a socket. */
async function engine() {
  const containers: FakeContainer[] = [];
  const state = { images: ['agent:1'], startFails: null as string | null, pulls: [] as string[] };
  const handle: Handler = (request, url, body) => {
    const path = url.pathname.replace(/^\/v[\d.]+/, '');
    const [, id, action] = /^\/containers\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? [];
    if (path === '/containers/json') {
      const { label = [] } = JSON.parse(url.searchParams.get('filters') ?? '{}') as { label?: string[] };
      const isWanted = ({ Labels }: FakeContainer) =>
        label.every((pair) => Labels[pair.split('=')[0] ?? ''] === pair.split('=')[1]);
      return { status: 200, body: containers.filter(isWanted) };
    }
    if (path === '/containers/create') {
      const created = body as Record<string, unknown> & { Image: string; Labels: Record<string, string> };
      if (!state.images.includes(created.Image))
        return { status: 404, body: { message: `No such image: ${created.Image}` } };
      const Id = `c${containers.length + 1}`;
      containers.push({ Id, Labels: created.Labels, State: 'created', Status: 'Created', Created: 1000, created });
      return { status: 201, body: { Id, Warnings: [] } };
    }
    if (path === '/images/create') {
      const image = url.searchParams.get('fromImage') ?? '';
      state.pulls.push(image);
      if (image.startsWith('none')) return { status: 404, body: { message: `pull access denied for ${image}` } };
      state.images.push(`${image}:${url.searchParams.get('tag') ?? 'latest'}`);
      return { status: 200, body: { status: 'Download complete' } };
    }
    const index = containers.findIndex((container) => container.Id === id);
    const container = containers[index];
    if (container === undefined) return { status: 404, body: { message: `No such container: ${id}` } };
    if (action === 'start') {
      if (state.startFails !== null) return { status: 500, body: { message: state.startFails } };
      container.State = 'running';
      return { status: 204, body: '' };
    }
    if (request.method !== 'DELETE') return null;
    containers.splice(index, 1);
    return { status: 204, body: '' };
  };
  const socket = join(temporaryDirectory(), 'engine.sock');
  await serve(handle, socket);
  const provider = (image = 'agent:1') =>
    new DockerContainers(
      dockerPool({
        name: 'local',
        maximum: 2,
        image,
        master: 'ws://master:9989',
        socket,
        network: 'builds',
        env: { A: 'b' },
      }),
      'me',
    );
  return { containers, state, provider };
}

describe('containers of an engine (a double of its API)', () => {
  test('are made, started, listed and removed', async () => {
    const { containers, provider } = await engine();
    await provider().start({ worker: 'local-1', token: 'secret' });
    expect(containers[0]?.created).toMatchObject({
      Image: 'agent:1',
      Env: ['A=b', 'ICEFALL_MASTER=ws://master:9989', 'ICEFALL_WORKER_NAME=local-1', 'ICEFALL_WORKER_TOKEN=secret'],
      HostConfig: { Init: true, SecurityOpt: ['no-new-privileges'], NetworkMode: 'builds' },
    });
    const running = { id: 'c1', worker: 'local-1', state: 'running', since: 1_000_000, trouble: null };
    expect(await provider().list()).toEqual([running]);
    await provider().remove('c1');
    await provider().remove('c1');
    expect(await provider().list()).toEqual([]);
  });

  test('whose image is not there are made when it has been pulled; one that cannot be is told in the engine’s words', async () => {
    const { state, containers, provider } = await engine();
    await provider('other:2').start({ worker: 'local-1', token: 'x' });
    expect([state.pulls, containers.length]).toEqual([['other'], 1]);
    await expect(provider('none:1').start({ worker: 'local-2', token: 'x' })).rejects.toMatchObject({
      ...{ code: 'provider', message: 'pull access denied for none' },
    });
  });

  test('that do not start leave nothing behind', async () => {
    const { state, containers, provider } = await engine();
    state.startFails = 'network builds not found';
    await expect(provider().start({ worker: 'local-1', token: 'x' })).rejects.toThrow('network builds not found');
    expect(containers).toEqual([]);
  });

  test('that have ended say how', async () => {
    const { containers, provider } = await engine();
    await provider().start({ worker: 'local-1', token: 'x' });
    Object.assign(containers[0] ?? {}, { State: 'exited', Status: 'Exited (137) 2 seconds ago' });
    expect(await provider().list()).toMatchObject([{ state: 'ended', trouble: 'Exited (137) 2 seconds ago' }]);
  });
});
