import type { Json } from '@icefall/shared';
import { z } from 'zod';
import { type Duration, positiveDurationSchema } from './durations.ts';
import { fixedLockAccessSchema, type LockAccess } from './locks.ts';
import { nameSchema, propertyValuesSchema } from './names.ts';
import {
  labelKeySchema,
  labelValueSchema,
  type NodeAffinity,
  nodeAffinitySchema,
  type Toleration,
  tolerationSchema,
} from './pool-nodes.ts';
import {
  type ContainerVolume,
  containerVolumesSchema,
  objectNameSchema,
  type PodVolume,
  podVolumesSchema,
  sizeSchema,
} from './pool-volumes.ts';
import { callerPlace, declaredAt, nameOf, type Place, reportIssues, titleOf, usable } from './problems.ts';
import { type WorkerDeclaration, worker } from './workers.ts';

/** The image is what a property says: of the request, else of its builder, else of the site. */
export interface ImageByProperty {
  readonly property: string;
  /** Where the property is not set, and of warm workers. */
  readonly default: string;
  /** What it may name beside the default: `*` stands for any text without `/`, `:` and `@`. */
  readonly allowed: readonly string[];
}

/** Which image a worker is made of. */
export interface PoolImage {
  /** Null: always the usual one. */
  readonly property: string | null;
  readonly usual: string;
  readonly allowed: readonly string[];
}

/** What a worker may use at most, and who it is. */
interface LimitOptions {
  /** Cores: `4`, `500m`. On Kubernetes request and limit, as the next one. */
  readonly cpu?: string;
  readonly memory?: string;
  /** Uid and gid that it runs as, and the group of its volumes; default: as the image says. */
  readonly user?: number;
  /** Added to those that are left, which on Kubernetes are none: `SYS_ADMIN`. */
  readonly capabilities?: readonly string[];
}

/** Workers that are started when there is work for them, and leave when there is none. */
export interface PoolOptions extends LimitOptions {
  /** Its workers are `NAME-1` to `NAME-MAXIMUM`. */
  readonly name: string;
  /** Workers at once, at most. */
  readonly maximum: number;
  /** Workers that wait for work, always; default 0. */
  readonly warm?: number;
  /** How long a worker without work is kept, beyond the warm ones; default 5 minutes. */
  readonly idle?: Duration;
  /** Each worker builds once and leaves: every build has a new container. Default false. */
  readonly perBuild?: boolean;
  /** Image of the agent with what builds need; or a property that names it, of those that the pool lets. */
  readonly image: string | ImageByProperty;
  /** Where the agent finds the master: `ws://master:9989`. */
  readonly master: string;
  /** A container that has not become a connected worker by then is given up; default 10 minutes. */
  readonly startWithin?: Duration;
  readonly env?: Readonly<Record<string, string>>;
  readonly properties?: Readonly<Record<string, Json>>;
  readonly locks?: readonly LockAccess[];
  readonly grace?: Duration;
}

/** What a pod has beside its agent. */
export interface PodOptions {
  /** Beside cpu and memory, as requests and limits: `{ 'nvidia.com/gpu': '1' }`, devices of plug-ins, `ephemeral-storage`. */
  readonly resources?: Readonly<Record<string, string>>;
  readonly volumes?: readonly PodVolume[];
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly nodeAffinity?: NodeAffinity;
  readonly tolerations?: readonly Toleration[];
  /** Default: the namespace's own. */
  readonly serviceAccount?: string;
  /** Whether builds get the account's token for the cluster's API; default false. */
  readonly serviceAccountToken?: boolean;
  readonly imagePullSecrets?: readonly string[];
  readonly runtimeClass?: string;
  readonly priorityClass?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface KubernetesPoolOptions extends PoolOptions, PodOptions {
  /** Default: that of the service account, or `default`. */
  readonly namespace?: string;
  /** Default: `$KUBECONFIG`, else `~/.kube/config`, else the service account that the master's pod runs with. */
  readonly kubeconfig?: string;
}

/** What a container of an engine has beside its agent. */
export interface ContainerOptions {
  readonly volumes?: readonly ContainerVolume[];
  /** Of the machine, such as `/dev/fuse`, under the same name in the container. */
  readonly devices?: readonly string[];
  /** How many, of any kind; default none. */
  readonly gpus?: number | 'all';
  /** Default: the engine's. */
  readonly network?: string;
}

export interface DockerPoolOptions extends PoolOptions, ContainerOptions {
  /** The engine's socket; default `/var/run/docker.sock`. */
  readonly socket?: string;
}

interface Common extends LimitOptions {
  readonly type: 'pool';
  readonly name: string;
  /** To be listed in the site's and in builders' workers. */
  readonly workers: readonly WorkerDeclaration[];
  readonly maximum: number;
  readonly warm: number;
  readonly idleMs: number;
  readonly perBuild: boolean;
  readonly image: PoolImage;
  readonly master: string;
  readonly startWithinMs: number;
  readonly env: Readonly<Record<string, string>>;
  readonly place: Place | null;
}
export type KubernetesPool = Common &
  PodOptions &
  Pick<KubernetesPoolOptions, 'namespace' | 'kubeconfig'> & { readonly kind: 'kubernetes' };
export type DockerPool = Common & ContainerOptions & Pick<DockerPoolOptions, 'socket'> & { readonly kind: 'docker' };
export type PoolDeclaration = KubernetesPool | DockerPool;

/** More is a mistake, or needs a site that is told so. */
const MOST_WORKERS = 500;

const text = z.string().min(1);
const imageByProperty = z.strictObject({
  property: text,
  default: text,
  allowed: z.array(text).min(1, 'must name at least one image, such as registry.example.org/builds/worker-*:1.0'),
});
const coresSchema = z.string().regex(/^\d+(\.\d+)?m?$/, 'must be a number of cores such as 2 or 500m');
const common = {
  // Names of pods are made of it.
  name: nameSchema.regex(
    /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/,
    'must be of lower-case letters, digits and -, 40 at most',
  ),
  maximum: z.int().positive().max(MOST_WORKERS),
  warm: z.int().nonnegative().default(0),
  idle: positiveDurationSchema.default(5 * 60_000),
  perBuild: z.boolean().default(false),
  image: z.union(
    [text, imageByProperty],
    "must be the name of an image, or { property: 'image', default: NAME, allowed: [NAME, …] }",
  ),
  master: z.string().regex(/^wss?:\/\//, 'must be an address such as ws://master:9989'),
  startWithin: positiveDurationSchema.default(10 * 60_000),
  env: z.record(text, z.string()).default({}),
  properties: propertyValuesSchema.optional(),
  locks: z.array(fixedLockAccessSchema).optional(),
  grace: positiveDurationSchema.optional(),
  cpu: coresSchema.optional(),
  memory: sizeSchema.optional(),
  user: z.int().nonnegative().optional(),
  capabilities: z
    .array(z.string().regex(/^(?!CAP_)[A-Z][A-Z0-9_]*$/, 'must be a capability without CAP_, such as SYS_ADMIN'))
    .optional(),
};
const OWN_MARK = /^icefall\.dev\//;
const ownLabelKey = labelKeySchema.refine((key) => !OWN_MARK.test(key), 'is one of the pool’s own: icefall.dev/…');
const resourceKey = labelKeySchema.refine(
  (key) => key !== 'cpu' && key !== 'memory',
  'has an option of its own: cpu, memory',
);
const SCHEMAS = {
  kubernetes: z
    .strictObject({
      ...common,
      namespace: objectNameSchema.optional(),
      kubeconfig: text.optional(),
      resources: z.record(resourceKey, sizeSchema).optional(),
      volumes: podVolumesSchema.optional(),
      nodeSelector: z.record(labelKeySchema, labelValueSchema).optional(),
      nodeAffinity: nodeAffinitySchema.optional(),
      tolerations: z.array(tolerationSchema).optional(),
      serviceAccount: objectNameSchema.optional(),
      serviceAccountToken: z.boolean().optional(),
      imagePullSecrets: z.array(objectNameSchema).optional(),
      runtimeClass: objectNameSchema.optional(),
      priorityClass: objectNameSchema.optional(),
      labels: z.record(ownLabelKey, labelValueSchema).optional(),
      annotations: z.record(ownLabelKey, z.string()).optional(),
    })
    .refine(({ serviceAccount, serviceAccountToken }) => !serviceAccountToken || serviceAccount !== undefined, {
      path: ['serviceAccountToken'],
      message: 'needs "serviceAccount": builds are not given the token of the namespace’s own account',
    }),
  docker: z.strictObject({
    ...common,
    socket: text.optional(),
    network: text.optional(),
    volumes: containerVolumesSchema.optional(),
    devices: z.array(z.string().regex(/^\/dev\/[\w./-]+$/, 'must be a device such as /dev/fuse')).optional(),
    gpus: z.union([z.int().positive(), z.literal('all')], 'must be a number of GPUs, or all').optional(),
  }),
};

function declare<T extends PoolOptions>(kind: 'kubernetes' | 'docker', options: T, place: Place | null) {
  const schema: z.ZodObject = SCHEMAS[kind];
  const parsed = schema.safeParse(options);
  if (!parsed.success) reportIssues(place, titleOf(`${kind}Pool`, options), options, parsed.error.issues);
  const given = usable(schema, options);
  const { properties, locks, grace, idle, startWithin, ...own } = given;
  const name = nameOf(options);
  const seat = (i: number) =>
    worker({
      name: `${name}-${i + 1}`,
      ...(properties === undefined ? {} : { properties }),
      ...(locks === undefined ? {} : { locks }),
      ...(grace === undefined ? {} : { grace }),
    });
  const seats = () => Array.from({ length: given.maximum ?? 1 }, (_, i) => seat(i));
  return {
    ...own,
    type: 'pool' as const,
    name,
    workers: Object.freeze(place === null ? seats() : declaredAt(place, seats)),
    maximum: given.maximum ?? 1,
    warm: given.warm ?? 0,
    idleMs: SCHEMAS.docker.shape.idle.parse(idle),
    perBuild: given.perBuild ?? false,
    image: poolImage(given.image),
    master: given.master ?? '',
    startWithinMs: SCHEMAS.docker.shape.startWithin.parse(startWithin),
    env: given.env ?? {},
    place,
  };
}

function poolImage(image: PoolOptions['image'] = ''): PoolImage {
  if (typeof image === 'string') return { property: null, usual: image, allowed: [] };
  return { property: image.property, usual: image.default, allowed: image.allowed };
}

/** Declares workers that are pods, made through the Kubernetes API. */
export function kubernetesPool(options: KubernetesPoolOptions): KubernetesPool {
  return Object.freeze({ ...declare('kubernetes', options, callerPlace()), kind: 'kubernetes' });
}

/** Declares workers that are containers of a Docker engine. */
export function dockerPool(options: DockerPoolOptions): DockerPool {
  return Object.freeze({ ...declare('docker', options, callerPlace()), kind: 'docker' });
}
