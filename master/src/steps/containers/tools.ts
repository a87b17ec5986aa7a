import { z } from 'zod';
import { type SecretReference, secretSchema } from '../../secrets/reference.ts';
import { type ProcessOptions, processShape, shellCommand, shellSchema } from '../shell.ts';
import type { StepAction, StepRun } from '../step.ts';

/** Programs that build or run images. `auto`: the first of buildah and docker (for a build that is pushed, kaniko as well) that the worker has. */
const IMAGE_TOOLS = ['auto', 'buildah', 'docker', 'kaniko'] as const;
export type ImageTool = (typeof IMAGE_TOOLS)[number];

/** Who signs in at a registry. The password is a secret; it is in no command line, and in a file only while the step runs. */
export interface RegistryLogin {
  /** Host, with its port where that is not the usual one: `registry.example.org:5000`. */
  readonly registry: string;
  readonly user: string;
  readonly password: SecretReference;
}

/** Options of every step with images. */
export interface ImageOptions extends ProcessOptions {
  /** Default `auto`. */
  readonly tool?: ImageTool;
  readonly login?: RegistryLogin;
}

/** `registry/path/name:tag`, without anything that could be an option or shell syntax. */
export const imageSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._/-]*(:[0-9]+\/[A-Za-z0-9._/-]+)?(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$/,
    'must be the name of an image, such as registry.example.org/group/app:1.2',
  );

export const imageShape = {
  ...processShape,
  tool: z.enum(IMAGE_TOOLS).default('auto'),
  login: z
    .strictObject({
      registry: z.string().regex(/^[A-Za-z0-9.-]+(:\d+)?$/, 'must be a host, or host:port'),
      user: z.string().regex(/^[^\s":\\]+$/, 'must be a name without colons, quotes and spaces'),
      password: secretSchema,
    })
    .optional(),
};

/**
 * Begins every script, after `purpose` is set: chooses the tool, and signs in by a file that all three read and that is gone at the end (`docker
 * login` would leave it behind). The password is taken out of the environment before anything of the image is run.
 */
const PREAMBLE = `set -eu
tool=$ICEFALL_IMAGE_TOOL
if [ "$tool" = auto ]; then
  tool=
  for candidate in buildah docker; do
    if command -v $candidate >/dev/null 2>&1; then tool=$candidate; break; fi
  done
  if [ -z "$tool" ] && [ "$purpose" = pushed ]; then
    if command -v executor >/dev/null 2>&1 || [ -x /kaniko/executor ]; then tool=kaniko; fi
  fi
  if [ -z "$tool" ]; then
    echo "this worker has neither buildah nor docker (kaniko can only build images that are pushed); install one, or name a tool" >&2
    exit 127
  fi
fi
if [ "$tool" = kaniko ] && [ "$purpose" = other ]; then
  echo "kaniko only builds: run, tag and push images with buildah or docker, or push with the build" >&2
  exit 64
fi
scratch=$(mktemp -d)
cleanup() { rm -rf "$scratch"; }
trap cleanup EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
if [ -n "\${ICEFALL_REGISTRY:-}" ]; then
  auth=$(printf '%s:%s' "$ICEFALL_REGISTRY_USER" "$ICEFALL_REGISTRY_PASSWORD" | base64 | tr -d '\\n')
  umask 077
  printf '{"auths":{"%s":{"auth":"%s"}}}' "$ICEFALL_REGISTRY" "$auth" > "$scratch/config.json"
  umask 022
  export DOCKER_CONFIG="$scratch" REGISTRY_AUTH_FILE="$scratch/config.json"
  unset ICEFALL_REGISTRY_PASSWORD auth
fi
echo "with $tool"
`;

type Words = readonly string[];

/** What a step has each tool do: lines of a script, made with {@link line}. */
export interface ImageScript {
  /** Of a build whether it is pushed, which is all that kaniko can do. */
  readonly purpose: 'pushed' | 'kept' | 'other';
  readonly buildah: Words;
  readonly docker: Words;
  readonly kaniko?: Words;
}

/** A line of a script: words as they are. */
export function line(...words: Words): string {
  return words.map(quoted).join(' ');
}

/** A word that the shell takes as it is. */
export function quoted(word: string): string {
  return `'${word.replace(/'/g, "'\\''")}'`;
}

type Parsed = z.output<z.ZodObject<typeof imageShape>>;

/** The action of a step with images. */
export function imageAction(options: Parsed, run: StepRun, { purpose, ...lines }: ImageScript): StepAction {
  const { workdir, idleTimeout, maxTime, secretFiles, env, tool, login } = options;
  const cases = Object.entries(lines).map(([name, own]) => `  ${name})\n    ${own.join('\n    ')} ;;`);
  const script = `purpose=${purpose}\n${PREAMBLE}case $tool in\n${cases.join('\n')}\nesac`;
  const signIn =
    login === undefined
      ? {}
      : {
          ICEFALL_REGISTRY: login.registry,
          ICEFALL_REGISTRY_USER: login.user,
          ICEFALL_REGISTRY_PASSWORD: login.password,
        };
  const parsed = shellSchema.parse({
    command: ['/bin/sh', '-c', script],
    env: { ...env, ...signIn, ICEFALL_IMAGE_TOOL: tool },
    ...{ workdir, idleTimeout, maxTime, secretFiles },
  });
  return { do: 'command', command: shellCommand(parsed, run, false) };
}
