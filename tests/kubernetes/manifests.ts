import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { RenderedFile } from '@icefall/docker/rendered';
import { NAMESPACE } from '@icefall/k8s/names';
import { kustomized } from '@icefall/k8s/testing/kustomize';

/** Where objects of a kind are made. */
const RESOURCES: Readonly<Record<string, string>> = {
  ...{ ConfigMap: 'configmaps', Deployment: 'deployments', Ingress: 'ingresses', Namespace: 'namespaces' },
  ...{ NetworkPolicy: 'networkpolicies', PersistentVolumeClaim: 'persistentvolumeclaims', Service: 'services' },
  ...{ PodDisruptionBudget: 'poddisruptionbudgets', Role: 'roles', RoleBinding: 'rolebindings' },
  ...{ ServiceAccount: 'serviceaccounts', StorageClass: 'storageclasses' },
};
const CLUSTER_WIDE = ['Namespace', 'StorageClass'];
/** What Debian's API server (1.20) has under its older name, with the same fields. */
const OLDER: Readonly<Record<string, string>> = { PodDisruptionBudget: 'policy/v1beta1' };

/** Has the API server try every object of a kustomization, without keeping it: how many it takes, and what it has against others. */
export async function refusalsOf(
  kubeconfig: string,
  files: readonly RenderedFile[],
  folder: string,
): Promise<{ accepted: number; refused: string[] }> {
  const post = poster(kubeconfig);
  const objects = kustomized(files, folder);
  for (const name of new Set([NAMESPACE, ...objects.flatMap(namespaceOf)])) {
    const space = await post('/api/v1/namespaces', { metadata: { name } });
    if (space.status !== 201 && space.status !== 409) throw new Error(`namespace ${name}: ${space.message}`);
  }
  const refused: string[] = [];
  for (const object of objects) {
    const kind = String(object.kind);
    const apiVersion = OLDER[kind] ?? String(object.apiVersion);
    const prefix = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const [space] = namespaceOf(object);
    const within = CLUSTER_WIDE.includes(kind) ? prefix : `${prefix}/namespaces/${space ?? NAMESPACE}`;
    const { status, message } = await post(`${within}/${RESOURCES[kind] ?? kind}?dryRun=All`, {
      ...object,
      apiVersion,
    });
    // The namespace itself is there.
    if (status !== 201 && !(kind === 'Namespace' && status === 409)) refused.push(`${kind}: ${status} ${message}`);
  }
  return { accepted: objects.length - refused.length, refused };
}

function namespaceOf({ metadata }: { readonly metadata?: unknown }): string[] {
  const { namespace } = Object(metadata) as { namespace?: string };
  return namespace === undefined ? [] : [namespace];
}

function poster(kubeconfig: string) {
  const { clusters, users } = JSON.parse(readFileSync(kubeconfig, 'utf8'));
  const { server, 'certificate-authority': authority } = clusters[0].cluster;
  const ca = readFileSync(authority);
  const headers = { authorization: `Bearer ${users[0].user.token}`, 'content-type': 'application/json' };
  return (path: string, body: object): Promise<{ status: number; message: string }> =>
    new Promise((resolve, reject) => {
      const sent = request(`${server}${path}`, { method: 'POST', ca, headers }, (response) => {
        text(response).then((answer) => {
          const { message = '' } = JSON.parse(answer) as { message?: string };
          resolve({ status: response.statusCode ?? 0, message });
        }, reject);
      });
      sent.on('error', reject);
      sent.end(JSON.stringify(body));
    });
}
