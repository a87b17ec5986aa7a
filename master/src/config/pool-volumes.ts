import { z } from 'zod';
import { treePathSchema } from './names.ts';

/** Where something is in a container. */
interface Mount {
  /** Absolute. */
  readonly path: string;
  /** Default false. */
  readonly readOnly?: boolean;
  /** What the node mounts below it while the container runs is seen in it, as automounted trees need it; default none. */
  readonly mountPropagation?: 'HostToContainer';
}

/** Where a volume of a pod comes from: exactly one of these. */
type PodVolumeSource =
  /** A PersistentVolumeClaim of the pool's namespace. */
  | { readonly claim: string }
  /** An empty directory of this size, which goes with the pod. */
  | { readonly scratch: string }
  /** The same in memory, such as `/dev/shm`; it counts for the memory of the pod. */
  | { readonly memory: string }
  | { readonly secret: string }
  | { readonly configMap: string }
  /** A directory or socket of the node. */
  | { readonly hostPath: string }
  | { readonly nfs: { readonly server: string; readonly path: string } }
  /** A volume that a driver makes for each pod. */
  | { readonly csi: { readonly driver: string; readonly attributes?: Readonly<Record<string, string>> } };

/** A volume of a pod, with the place where its worker has it. */
export type PodVolume = Mount & { readonly subPath?: string } & PodVolumeSource;

/** A volume of a container of an engine, with the place where its worker has it. */
export type ContainerVolume = Mount &
  (
    | { readonly volume: string }
    | { readonly hostPath: string }
    /** In memory, of this size. */
    | { readonly memory: string }
  );

const text = z.string().min(1);
/** Of claims, secrets, accounts and the like (RFC 1123, a subdomain). */
export const objectNameSchema = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'must be a name of lower-case letters, digits, - and .');
/** Of bytes. The `m` of cores would be thousandths of a byte: Kubernetes takes it, nobody means it. */
export const sizeSchema = z
  .string()
  .regex(/^\d+(\.\d+)?(k|Ki|M|Mi|G|Gi|T|Ti)?$/, 'must be a size such as 512Mi or 4Gi');
const pathSchema = z
  .string()
  .refine((path) => path.startsWith('/') && path.length > 1 && treePathSchema.safeParse(path.slice(1)).success, {
    message: 'must be an absolute path, not the root and without . and .., such as /cvmfs',
    abort: true,
  })
  .refine((path) => !path.includes(':'), 'must not hold a colon');

const mountShape = {
  path: pathSchema,
  readOnly: z.boolean().optional(),
  mountPropagation: z.literal('HostToContainer').optional(),
};
const POD_SOURCES = {
  claim: objectNameSchema,
  scratch: sizeSchema,
  memory: sizeSchema,
  secret: objectNameSchema,
  configMap: objectNameSchema,
  hostPath: pathSchema,
  nfs: z.strictObject({ server: text, path: pathSchema }),
  csi: z.strictObject({ driver: text, attributes: z.record(text, z.string()).optional() }),
};
const CONTAINER_SOURCES = { volume: text, hostPath: pathSchema, memory: sizeSchema };

export const podVolumesSchema = volumesSchema(
  z.strictObject({
    ...mountShape,
    subPath: treePathSchema.min(1).optional(),
    ...z.object(POD_SOURCES).partial().shape,
  }),
  Object.keys(POD_SOURCES),
);
export const containerVolumesSchema = volumesSchema(
  z
    .strictObject({ ...mountShape, ...z.object(CONTAINER_SOURCES).partial().shape })
    .refine(({ mountPropagation, hostPath }) => mountPropagation === undefined || hostPath !== undefined, {
      path: ['mountPropagation'],
      message: 'needs "hostPath": nothing is mounted below other volumes',
    }),
  Object.keys(CONTAINER_SOURCES),
);

/** A list of volumes: each of one source, no two at one place. */
function volumesSchema(volume: z.ZodObject, sources: readonly string[]) {
  const ofOneSource = volume.superRefine((value, context) => {
    const given = sources.filter((source) => Reflect.get(value, source) !== undefined);
    if (given.length === 1) return;
    const found = given.length === 0 ? 'none is there' : `there are ${given.join(' and ')}`;
    context.addIssue({ code: 'custom', message: `must say exactly one of ${sources.join(', ')}; ${found}` });
  });
  return z.array(ofOneSource).superRefine((volumes, context) => {
    const seen = new Set<unknown>();
    volumes.forEach(({ path }, i) => {
      if (seen.has(path)) context.addIssue({ code: 'custom', path: [i, 'path'], message: 'another volume is there' });
      seen.add(path);
    });
  });
}
