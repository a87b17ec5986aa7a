import { z } from 'zod';
import { POLICY } from './policy.ts';

/**
 * The description of an image: stages, of which `build`, `test` and `production` are its variants. A site's own projects
 * are described the same way. What is left out comes from the {@link POLICY}; what goes against it is refused.
 */
const text = z.string().min(1);
const stageName = z.string().regex(/^[a-z][a-z0-9-]*$/, 'must be lower-case letters, digits and dashes');
/** The stage that carries the init, in every Dockerfile. */
export const INIT_STAGE = 'init';
const packageName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.+_-]*$/, 'is not the name of a package');
const family = z.enum(['apt', 'dnf']);
const path = z.string().regex(/^\//, 'must be an absolute path');
const PINNED = /^[a-z0-9.-]+(?::\d+)?\/[a-z0-9._/-]+(?::(?!latest\b)[A-Za-z0-9._-]+)?(?:@sha256:[0-9a-f]{64})?$/;

const REFERENCE_RULE =
  'must be an earlier stage, or an image with its registry and a version that is not "latest": docker.io/library/debian:12-slim or …@sha256:…';

/** Whether a name is that of an image elsewhere: full, and with a version or digest. */
function isPinned(name: string): boolean {
  return PINNED.test(name) && /[:@][^/]*$/.test(name);
}

/** What a stage begins with. */
const beginning = z.string().refine((name) => stageName.safeParse(name).success || isPinned(name), {
  error: (issue) => `${JSON.stringify(issue.input)} ${REFERENCE_RULE}`,
});

const copySchema = z.strictObject({
  /** Stage that it comes from; without one: the project's folder. */
  from: stageName.optional(),
  source: z.array(text).min(1),
  target: text,
});

const stageSchema = z.strictObject({
  name: stageName,
  /** An earlier stage, or an image elsewhere. */
  on: beginning,
  packages: z.array(packageName).default([]),
  /** Where its package manager is not that of the image. */
  family: family.optional(),
  /** Files and the command that fetches what they name: a layer that stays in the cache while sources change. */
  dependencies: z.strictObject({ copies: z.array(copySchema).min(1), run: text }).optional(),
  copies: z.array(copySchema).default([]),
  run: z.array(text).default([]),
  /** Made, and owned by the image's user. */
  directories: z.array(path).default([]),
  environment: z.record(z.string().regex(/^[A-Z_][A-Z0-9_]*$/), z.string()).default({}),
  workdir: path.optional(),
  ports: z.array(z.int().min(1).max(65_535)).default([]),
  /** Exit code 0 while it does what it is there for. */
  health: z.array(text).min(1).optional(),
  /** Runs as root, and why it must: the one way around the policy. */
  rootBecause: text.optional(),
  /** Runs under the policy's init. */
  entrypoint: z.array(text).min(1).optional(),
  command: z.array(text).default([]),
});

export const imageSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9]+(?:[._-][a-z0-9]+)*$/, 'must be lower-case letters and digits, with . _ - between'),
    title: text,
    family: family.default('apt'),
    user: z
      .strictObject({
        name: z.string().regex(/^[a-z][a-z0-9-]*$/),
        uid: z.int().min(1000, 'is below 1000: images run as an unprivileged user').max(60_000),
      })
      .default(POLICY.user),
    needs: z
      .strictObject({
        cpus: z.number().positive().default(POLICY.needs.cpus),
        memoryMb: z.int().positive().default(POLICY.needs.memoryMb),
        gpus: z.int().nonnegative().default(POLICY.needs.gpus),
      })
      .prefault({}),
    stages: z.array(stageSchema).min(1),
  })
  .superRefine((image, context) => {
    for (const { path, message } of mistakesIn(image.stages)) context.addIssue({ code: 'custom', path, message });
  });

export type Image = z.output<typeof imageSchema>;
/** What an image's author writes. */
export type ImageFile = z.input<typeof imageSchema>;
export type Stage = Image['stages'][number];
export type Copy = z.output<typeof copySchema>;

/** What a person builds, in the order they follow each other; other stages only carry something. */
export const VARIANTS = ['build', 'test', 'production'] as const;

interface Mistake {
  readonly path: (string | number)[];
  readonly message: string;
}

function mistakesIn(stages: readonly Stage[]): Mistake[] {
  const mistakes: Mistake[] = [];
  const before = new Set<string>();
  stages.forEach((stage, i) => {
    const unknown = (name: string, where: (string | number)[]) =>
      mistakes.push({
        path: ['stages', i, ...where],
        message: `${JSON.stringify(name)} is no earlier stage; there are: ${[...before].join(', ') || 'none'}`,
      });
    if (!stage.on.includes('/') && !before.has(stage.on)) unknown(stage.on, ['on']);
    for (const { from } of [...stage.copies, ...(stage.dependencies?.copies ?? [])])
      if (from !== undefined && !before.has(from)) unknown(from, ['copies']);
    if (stage.name === INIT_STAGE)
      mistakes.push({ path: ['stages', i, 'name'], message: 'is the stage of the init, which every image has' });
    if (before.has(stage.name))
      mistakes.push({ path: ['stages', i, 'name'], message: `a second stage is named ${JSON.stringify(stage.name)}` });
    before.add(stage.name);
  });
  const production = stages.find(({ name }) => name === 'production');
  if (production === undefined) mistakes.push({ path: ['stages'], message: 'there is no stage "production"' });
  else if (production.entrypoint === undefined)
    mistakes.push({ path: ['stages'], message: 'the stage "production" has no entrypoint' });
  return mistakes;
}

/** An image's description is wrong; the message names the image and every mistake. */
export class ImageError extends Error {
  readonly code = 'image';
  constructor(message: string) {
    super(message);
    this.name = 'ImageError';
  }
}

/** Checks a description and fills the policy's defaults in. Throws {@link ImageError}. */
export function image(description: ImageFile): Image {
  const parsed = imageSchema.safeParse(description);
  if (parsed.success) return parsed.data;
  const mistakes = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'image'}: ${issue.message}`);
  throw new ImageError(`image ${JSON.stringify(description.name)}: ${mistakes.join('; ')}`);
}

/** Full name with tag, as it is built and pulled. */
export function imageName({ name }: Pick<Image, 'name'>, variant: (typeof VARIANTS)[number] = 'production'): string {
  return `${POLICY.registry}/${name}:${POLICY.version}${variant === 'production' ? '' : `-${variant}`}`;
}
