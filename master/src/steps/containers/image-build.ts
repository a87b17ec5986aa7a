import { z } from 'zod';
import { defineStep, type StepKind } from '../kind.ts';
import { endByExitCode } from '../outcome.ts';
import { type ImageOptions, type ImageScript, imageAction, imageSchema, imageShape, line, quoted } from './tools.ts';

export interface ImageBuildOptions extends ImageOptions {
  /** Name of the image, with its tag. */
  readonly image: string;
  /** Directory of the build, relative to the work directory; default that itself. */
  readonly context?: string;
  /** Relative to the work directory; default `Dockerfile` in the context. */
  readonly file?: string;
  /** Stage of the file: the variant, such as `test` or `production`. */
  readonly target?: string;
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Also push it: all that kaniko can do with what it has built. Default false. */
  readonly push?: boolean;
  /** Ask the registry for newer bases. Default false. */
  readonly pull?: boolean;
}

const path = z.string().regex(/^(?!-)[^\n]+$/, 'must be a path');
const pairs = z.record(z.string().regex(/^[A-Za-z0-9_][\w./-]*$/, 'must be a name'), z.string()).default({});
const schema = z.strictObject({
  ...imageShape,
  image: imageSchema,
  context: path.default('.'),
  file: path.optional(),
  target: z
    .string()
    .regex(/^[A-Za-z0-9_][\w.-]*$/, 'must be the name of a stage')
    .optional(),
  buildArgs: pairs,
  labels: pairs,
  push: z.boolean().default(false),
  pull: z.boolean().default(false),
});
type Parsed = z.output<typeof schema>;

function scriptOf(options: Parsed): ImageScript {
  const { image, context, target, buildArgs, labels, push, pull } = options;
  const file = options.file ?? (context === '.' ? 'Dockerfile' : `${context}/Dockerfile`);
  const common = [
    ...(target === undefined ? [] : ['--target', target]),
    ...Object.entries(buildArgs).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    ...Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]),
  ];
  const build = ['--tag', image, '--file', file, ...common, context];
  return {
    purpose: push ? 'pushed' : 'kept',
    buildah: [
      line('buildah', 'build', '--layers', ...(pull ? ['--pull-always'] : []), ...build),
      ...(push ? [line('buildah', 'push', image)] : []),
    ],
    docker: [
      line('docker', 'build', ...(pull ? ['--pull'] : []), ...build),
      ...(push ? [line('docker', 'push', image)] : []),
    ],
    kaniko: push
      ? [
          'program=/kaniko/executor; if command -v executor >/dev/null 2>&1; then program=executor; fi',
          `$program --context "dir://$(cd ${quoted(context)} && pwd)" ${line('--destination', image, '--dockerfile', file, ...common)}`,
        ]
      : ['echo "kaniko keeps no images: say push: true" >&2; exit 64'],
  };
}

const kind: StepKind<Parsed> = {
  name: 'imageBuild',
  schema,
  flags: { haltOnFailure: true },
  begin: (options, run) => imageAction(options, run, scriptOf(options)),
  end: ({ image }, outcome) => endByExitCode(`build of ${image}`, outcome),
  describe: ({ image, target }) => `build ${image}${target === undefined ? '' : ` (${target})`}`,
};

/** Builds an image of a Dockerfile, by what the worker has: buildah, docker or, where it is pushed, kaniko. */
export const imageBuild = defineStep<Parsed, ImageBuildOptions>(kind);
