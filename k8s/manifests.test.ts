import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NEED_LABELS } from '@icefall/docker/dockerfile';
import { PLATFORMS } from '@icefall/docker/platforms';
import { POLICY } from '@icefall/docker/policy';
import { driftOf } from '@icefall/docker/render';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { objectName } from './names.ts';
import type { Deployment } from './objects.ts';
import { RENDERED_FOLDERS, renderedManifests } from './rendered.ts';
import { kustomized } from './testing/kustomize.ts';
import { isDeployment, mistakesIn } from './testing/strict.ts';

const PROJECT = join(import.meta.dirname, '..');
const files = renderedManifests(PLATFORMS);
const overlays = readdirSync(join(PROJECT, 'k8s/overlays')).map((name) => `overlays/${name}`);

/** kustomize is in kubectl; since 1.24 that says which, and it is one that knows what ours say. */
const hasKustomize = (() => {
  const { stdout } = spawnSync('kubectl', ['version', '--client', '-o', 'json'], { encoding: 'utf8' });
  return /"kustomizeVersion"/.test(stdout ?? '');
})();

function objectsIn(text: string): Record<string, unknown>[] {
  return parseAllDocuments(text).map((document) => document.toJS());
}

function built(folder: string): Record<string, unknown>[] {
  return kustomized(files, `k8s/${folder}`);
}

/** In an order that does not count, as text without that of keys. */
function sorted(objects: readonly object[]): string[] {
  return objects.map((each) => stringify(each, { sortMapEntries: true, aliasDuplicateObjects: false })).sort();
}

function deployment(objects: readonly object[], name: string): Deployment {
  const found = objects.filter(isDeployment).find(({ metadata }) => metadata?.name === name);
  if (found === undefined) throw new Error(`there is no Deployment ${name}`);
  return found;
}

const baseObjects = files
  .filter(({ path }) => /^k8s\/base\/(?!kustomization).*\.yaml$/.test(path))
  .flatMap(({ text }) => objectsIn(text));

describe('the manifests', () => {
  test('on disk are those of the table ("icefall k8s render" writes them)', () => {
    expect(driftOf(PROJECT, files, RENDERED_FOLDERS)).toEqual([]);
  });

  test('of the base are right by the strict schemas of Kubernetes', () => {
    expect(baseObjects.length).toBeGreaterThan(PLATFORMS.length * 2 + 10);
    expect(baseObjects.flatMap(mistakesIn)).toEqual([]);
  });

  test.each(['base', ...overlays])('of %s are right when they are put together', (folder) => {
    const objects = built(folder);
    expect(objects.length).toBeGreaterThan(baseObjects.length);
    expect(objects.flatMap(mistakesIn)).toEqual([]);
    const namespaced = objects.filter(({ kind }) => kind !== 'Namespace' && kind !== 'StorageClass');
    const own = folder === 'overlays/pools' ? ['icefall', 'icefall-builds'] : ['icefall'];
    expect(new Set(namespaced.map(({ metadata }) => Object(metadata).namespace))).toEqual(new Set(own));
  });

  test.skipIf(!hasKustomize)('are put together so by kustomize, too', () => {
    for (const folder of ['base', ...overlays]) {
      const real = execFileSync('kubectl', ['kustomize', join(PROJECT, 'k8s', folder)], { encoding: 'utf8' });
      expect(sorted(objectsIn(real)), folder).toEqual(sorted(built(folder)));
    }
  });

  test('with a patch that fits nothing are caught', () => {
    const astray = files.map((file) =>
      file.path.endsWith('claims-icefall-tree.yaml')
        ? { ...file, text: file.text.replace('icefall-tree', 'tree') }
        : file,
    );
    expect(() => kustomized(astray, 'k8s/overlays/cluster')).toThrow(
      'k8s/overlays/cluster/claims-icefall-tree.yaml: it fits 0 objects, v1 PersistentVolumeClaim tree',
    );
  });

  test('with a misspelt field or a wrong type are caught, wherever it is', () => {
    const right = deployment(baseObjects, 'master');
    expect(mistakesIn(right)).toEqual([]);
    const text = stringify(right, { aliasDuplicateObjects: false });
    const changed = (from: string, to: string) => {
      expect(text).toContain(from);
      return mistakesIn(objectsIn(text.replace(from, to))[0] ?? {});
    };
    expect(changed('replicas: 1', 'replica: 1')).toEqual(['Deployment: there is no field /spec/replica']);
    expect(changed('readOnlyRootFilesystem', 'readOnlyRootFileSystem')).toEqual([
      expect.stringMatching(/no field .*\/containers\/0\/securityContext\/readOnlyRootFileSystem/),
    ]);
    expect(changed('replicas: 1', 'replicas: one')).toEqual([expect.stringContaining('replicas must be integer')]);
    expect(changed('containerPort: 8010', 'containerPort: "8010"')).toEqual([expect.stringContaining('containerPort')]);
    expect(changed('mountPath: /tmp', 'path: /tmp')).toEqual([expect.stringContaining('required property mountPath')]);
    expect(mistakesIn({ ...right, kind: 'Deploymint' })).toEqual(['no schema is known for apps/v1 Deploymint']);
  });
});

/** Of what is yet to be added in the runbook's examples. */
const NOT_YET = ['debian14', 'NAME'];

describe('the runbook', () => {
  const page = readFileSync(join(PROJECT, 'docs/runbook.md'), 'utf8');
  const named = (pattern: RegExp) =>
    [...page.matchAll(pattern)].map(([, name = '', more = '']) => [name, more] as const);
  const objects = built('overlays/haproxy');

  test('names only overlays, objects, containers and labels that there are', () => {
    const folders = named(/k8s\/overlays\/([a-z-]+)/g).map(([name]) => `overlays/${name}`);
    expect(folders.filter((folder) => !overlays.includes(folder))).toEqual([]);
    const containers = named(/deploy\/(\S+) -c ([a-z0-9-]+)/g);
    expect(containers.length).toBeGreaterThan(4);
    for (const [name, container] of containers)
      expect(
        deployment(objects, name).spec?.template.spec?.containers.map((one) => one.name),
        name,
      ).toContain(container);
    const names = objects.map(({ metadata }) => Object(metadata).name);
    for (const [name] of [...named(/patch pvc (\S+)/g), ...named(/"claimName":"([^"]+)"/g)])
      expect(names).toContain(name);
    const selectors = named(/ -l ([a-z./]+)=([A-Za-z0-9.-]+)/g).filter(([, value]) => !NOT_YET.includes(value));
    expect(selectors.length).toBeGreaterThan(3);
    for (const [label, value] of selectors)
      expect(
        objects.filter(({ metadata }) => Object(metadata).labels?.[label] === value),
        value,
      ).not.toEqual([]);
  });

  test('has what runs in a container find there what it names', () => {
    for (const [, container] of named(/(exec deploy\/master -c) (\w+) -- .*\/backup\//g))
      expect(container).toBe('backup');
    const tokens = named(/for w in ([^;]+);/g).flatMap(([workers]) => workers.split(' '));
    expect(tokens.sort()).toEqual([...PLATFORMS.map(({ name }) => name), 'stratum0'].sort());
  });
});

describe('a pod', () => {
  const objects: readonly object[] = baseObjects;
  const pods = objects.filter(isDeployment).map(({ spec }) => spec?.template.spec);

  test('is nobody special: no root, no way to more rights, a root file system that is read only', () => {
    for (const pod of pods) {
      expect(pod?.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: POLICY.user.uid });
      expect(pod?.automountServiceAccountToken).toBe(false);
      for (const { securityContext } of pod?.containers ?? [])
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
    }
  });

  test('of the master is alone, and asked for what it really is', () => {
    const { spec } = deployment(baseObjects, 'master');
    expect(spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
    const [master] = spec?.template.spec?.containers ?? [];
    expect(master?.livenessProbe?.httpGet?.path).toBe('/health/live');
    expect(master?.readinessProbe?.httpGet?.path).toBe('/health/ready');
  });

  test.each(PLATFORMS)('of $name gets what the label of its image says, and its own token only', ({ name }) => {
    const pod = deployment(baseObjects, objectName(name)).spec?.template.spec;
    const [worker] = pod?.containers ?? [];
    expect(worker?.image).toBe(`${POLICY.registry}/worker-${name}:${POLICY.version}`);
    expect(worker?.resources?.limits).toEqual({ cpu: '4', memory: '8000Mi' });
    expect(NEED_LABELS.cpus).toBe('icefall.cpus');
    expect(pod?.volumes?.flatMap(({ secret }) => secret?.items ?? [])).toEqual([
      { key: `${name}.token`, path: 'token' },
    ]);
    expect(worker?.livenessProbe).toBeUndefined();
  });
});

describe('the cluster', () => {
  test('keeps the tree on CephFS for many nodes and 1 Ti, the rest on RBD, and nothing goes with its claim', () => {
    const objects = built('overlays/cluster');
    const claims = objects.filter(({ kind }) => kind === 'PersistentVolumeClaim');
    const tree = claims.find(({ metadata }) => Object(metadata).name === 'icefall-tree');
    expect(tree?.spec).toMatchObject({
      accessModes: ['ReadWriteMany'],
      storageClassName: 'icefall-cephfs',
      resources: { requests: { storage: '1Ti' } },
    });
    for (const { spec } of claims.filter((claim) => claim !== tree))
      expect(spec).toMatchObject({ accessModes: ['ReadWriteOnce'], storageClassName: 'icefall-rbd' });
    const classes = objects.filter(({ kind }) => kind === 'StorageClass');
    expect(classes.map(({ reclaimPolicy }) => reclaimPolicy)).toEqual(['Retain', 'Retain']);
  });

  test('gives rights to the stock stratum 0 only, and no more than it needs', () => {
    const pod = deployment(built('overlays/cvmfs-server'), 'stratum0').spec?.template.spec;
    expect(pod?.containers).toHaveLength(1);
    expect(pod?.containers[0]?.securityContext).toEqual({
      runAsUser: 0,
      capabilities: {
        drop: ['ALL'],
        add: ['SYS_ADMIN', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETUID', 'SETGID', 'KILL'],
      },
    });
    expect(pod?.containers[0]?.volumeMounts?.map(({ mountPath }) => mountPath)).toEqual(
      expect.arrayContaining(['/cvmfs-source', '/srv/cvmfs', '/var/spool/cvmfs', '/etc/cvmfs']),
    );
  });

  test('has all of the master, or of one platform, under a label, by which they are applied apart', () => {
    const under = (label: string, value: string) =>
      built('overlays/cluster')
        .filter(({ metadata }) => Object(metadata).labels?.[label] === value)
        .map(({ kind, metadata }) => `${kind} ${Object(metadata).name}`)
        .sort();
    expect(under('icefall/platform', 'ubuntu22.04')).toEqual([
      'Deployment worker-ubuntu22-04',
      'PersistentVolumeClaim worker-ubuntu22-04',
    ]);
    expect(under('icefall/role', 'master')).toEqual([
      ...['ConfigMap icefall-settings', 'Deployment master', 'PersistentVolumeClaim icefall-backup'],
      ...['PersistentVolumeClaim icefall-master', 'PodDisruptionBudget master', 'Service master'],
    ]);
  });

  test('lets a master with pools make pods in another namespace, and do nothing else', () => {
    const objects = built('overlays/pools');
    const master = deployment(objects, 'master').spec?.template.spec;
    expect(master).toMatchObject({ serviceAccountName: 'icefall-master', automountServiceAccountToken: false });
    const holders = master?.containers.filter(({ volumeMounts }) =>
      volumeMounts?.some(({ name }) => name === 'cluster'),
    );
    expect(holders?.map(({ name }) => name)).toEqual(['master']);
    const ofKind = (kind: string) => objects.filter((object) => object.kind === kind);
    expect(ofKind('Role').map(({ metadata, rules }) => [Object(metadata).namespace, rules])).toEqual([
      [
        'icefall-builds',
        [
          { apiGroups: [''], resources: ['pods'], verbs: ['create', 'list', 'delete'] },
          { apiGroups: [''], resources: ['events'], verbs: ['list'] },
        ],
      ],
    ]);
    expect(ofKind('RoleBinding').map(({ subjects }) => subjects)).toEqual([
      [{ kind: 'ServiceAccount', name: 'icefall-master', namespace: 'icefall' }],
    ]);
    expect(ofKind('ClusterRoleBinding')).toEqual([]);
  });

  test('has time-outs in front that an idle event stream and an idle worker outlive', () => {
    const ingress = built('overlays/monitoring').find(({ kind }) => kind === 'Ingress');
    expect(Object(ingress?.metadata).annotations).toMatchObject({
      'nginx.ingress.kubernetes.io/proxy-read-timeout': '3600',
      'haproxy.org/timeout-tunnel': '3600s',
      'cert-manager.io/cluster-issuer': 'letsencrypt',
    });
  });
});
