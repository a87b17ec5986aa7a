import { z } from 'zod';
import { defineStep, type StepKind } from '../kind.ts';
import { endByExitCode, shortCommand } from '../outcome.ts';
import { type ImageOptions, type ImageScript, imageAction, imageSchema, imageShape, line, quoted } from './tools.ts';

export interface ImageRunOptions extends ImageOptions {
  readonly image: string;
  /** Default: the image's entry point and command. Given, it takes the place of both. */
  readonly command?: readonly string[];
  /** Variables inside the container; the step's `env` is that of the tool. */
  readonly variables?: Readonly<Record<string, string>>;
  /** `HOST:CONTAINER` or `HOST:CONTAINER:ro`; a relative host path is below the work directory. */
  readonly volumes?: readonly string[];
  /** Default: the tool's. */
  readonly network?: 'none' | 'host';
}

const schema = z.strictObject({
  ...imageShape,
  image: imageSchema,
  command: z.array(z.string()).min(1).optional(),
  variables: z.record(z.string().regex(/^[A-Za-z_]\w*$/, 'must be the name of a variable'), z.string()).default({}),
  volumes: z
    .array(z.string().regex(/^(?!-)[^:\n]+:\/[^:\n]*(:ro)?$/, 'must be HOST:CONTAINER or HOST:CONTAINER:ro'))
    .default([]),
  network: z.enum(['none', 'host']).optional(),
});
type Parsed = z.output<typeof schema>;

/** What an image runs by itself, word by word: buildah runs no entry point. */
const WORDS_OF_IMAGE =
  '{{range .OCIv1.Config.Entrypoint}}{{println .}}{{end}}{{range .OCIv1.Config.Cmd}}{{println .}}{{end}}';

function scriptOf({ image, command, variables, volumes, network }: Parsed): ImageScript {
  const shared = [
    ...(network === undefined ? [] : [line('--network', network)]),
    ...volumes.map((volume) => `-v ${volume.startsWith('/') ? '' : '"$PWD"/'}${quoted(volume)}`),
    ...Object.entries(variables).map(([name, value]) => line('-e', `${name}=${value}`)),
  ].join(' ');
  const [entry, ...rest] = command ?? [];
  return {
    purpose: 'other',
    buildah: [
      'container=icefall-$$-$(date +%s)',
      'trap \'buildah rm "$container" >/dev/null 2>&1 || true; cleanup\' EXIT',
      `buildah from --name "$container" ${quoted(image)}`,
      ...(command === undefined
        ? [
            `buildah inspect --type image --format ${quoted(WORDS_OF_IMAGE)} ${quoted(image)} > "$scratch/words"`,
            'while IFS= read -r word; do if [ -n "$word" ]; then set -- "$@" "$word"; fi; done < "$scratch/words"',
            'if [ $# -eq 0 ]; then echo "the image names no command: give one" >&2; exit 64; fi',
          ]
        : [`set -- ${line(...command)}`]),
      `buildah run ${shared} "$container" -- "$@"`,
    ],
    docker: [
      'container=icefall-$$-$(date +%s)',
      // The daemon's container is nobody's child: it would live on beside a step that was stopped.
      'trap \'docker rm -f "$container" >/dev/null 2>&1 || true; cleanup\' EXIT',
      `docker run --name "$container" ${shared} ${entry === undefined ? '' : line('--entrypoint', entry)} ${line(image, ...rest)}`,
    ],
  };
}

const kind: StepKind<Parsed> = {
  name: 'imageRun',
  schema,
  begin: (options, run) => imageAction(options, run, scriptOf(options)),
  end: ({ image }, outcome) => endByExitCode(`run of ${image}`, outcome),
  describe: ({ image, command }) => `run ${image}${command === undefined ? '' : `: ${shortCommand(command)}`}`,
};

/** Runs an image's entry point, or another command in it; the container is removed afterwards. */
export const imageRun = defineStep<Parsed, ImageRunOptions>(kind);
