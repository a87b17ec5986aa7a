import type { Json } from '@icefall/shared';
import { z } from 'zod';
import { type Duration, positiveDurationSchema } from './durations.ts';
import { fixedLockAccessSchema, type LockAccess } from './locks.ts';
import { nameSchema, propertyValuesSchema } from './names.ts';
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

/** Workers that are started when there is work for them, and leave when there is none. */
export interface PoolOptions {
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

export interface KubernetesPoolOptions extends PoolOptions {
  /** Default: that of the service account, or `default`. */
  readonly namespace?: string;
  /** Default: the service account that the master runs with, else `$KUBECONFIG`, else `~/.kube/config`. */
  readonly kubeconfig?: string;
  readonly cpu?: string;
  readonly memory?: string;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly imagePullSecret?: string;
}

export interface DockerPoolOptions extends PoolOptions {
  /** The engine's socket; default `/var/run/docker.sock`. */
  readonly socket?: string;
  /** Default: the engine's. */
  readonly network?: string;
}

interface Common {
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
  Pick<KubernetesPoolOptions, 'namespace' | 'kubeconfig' | 'cpu' | 'memory' | 'nodeSelector' | 'imagePullSecret'> & {
    readonly kind: 'kubernetes';
  };
export type DockerPool = Common & Pick<DockerPoolOptions, 'socket' | 'network'> & { readonly kind: 'docker' };
export type PoolDeclaration = KubernetesPool | DockerPool;

/** More is a mistake, or needs a site that is told so. */
const MOST_WORKERS = 500;

const text = z.string().min(1);
const quantity = z.string().regex(/^\d+(\.\d+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$/, 'must be a quantity such as 2, 500m, 4Gi');
const imageByProperty = z.strictObject({
  property: text,
  default: text,
  allowed: z.array(text).min(1, 'must name at least one image, such as registry.example.org/builds/worker-*:1.0'),
});
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
};
const SCHEMAS = {
  kubernetes: z.strictObject({
    ...common,
    namespace: text.optional(),
    kubeconfig: text.optional(),
    cpu: quantity.optional(),
    memory: quantity.optional(),
    nodeSelector: z.record(text, z.string()).optional(),
    imagePullSecret: text.optional(),
  }),
  docker: z.strictObject({ ...common, socket: text.optional(), network: text.optional() }),
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
