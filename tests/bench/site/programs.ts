/** Programs of sites, as text: what the master loads. */

const IMPORTS = `import { builder, factory, forceScheduler, shell, singleBranchScheduler, site, worker } from '@icefall/master/config';`;
const TOKEN = `token: { file: new URL('token', import.meta.url).pathname }`;

interface OneBuilder {
  readonly workers: readonly string[];
  readonly maxBuilds: number;
  /** Command line of each step. */
  readonly steps: readonly (readonly string[])[];
}

/** A builder \`one\` on all workers, and a force scheduler \`force\` for it. */
export function oneBuilder({ workers, maxBuilds, steps }: OneBuilder): string {
  return `${IMPORTS}
const workers = ${JSON.stringify(workers)}.map((name) => worker({ name, maxBuilds: ${maxBuilds}, ${TOKEN} }));
const steps = ${JSON.stringify(steps)}.map((command, i) => shell({ name: \`step\${i}\`, command }));
const one = builder({ name: 'one', workers, factory: factory(steps) });
export default site({ title: 'Bench', workers, builders: [one], schedulers: [forceScheduler({ name: 'force', builders: [one] })] });
`;
}

/** Builders with a scheduler and a force scheduler each; the first worker has the first half of them. */
export function manyBuilders(count: number): string {
  return `${IMPORTS}
const workers = ['w1', 'w2'].map((name) => worker({ name, maxBuilds: 4, ${TOKEN} }));
const builders = Array.from({ length: ${count} }, (_, i) =>
  builder({
    name: \`project\${i}\`,
    workers: [workers[i < ${Math.ceil(count / 2)} ? 0 : 1]],
    factory: factory([shell({ name: 'work', command: ['true'] })]),
  }),
);
const schedulers = builders.flatMap((one) => [
  singleBranchScheduler({ name: \`\${one.name}-push\`, builders: [one], changes: { branch: 'main', project: one.name } }),
  forceScheduler({ name: \`\${one.name}-force\`, builders: [one] }),
]);
export default site({ title: 'Bench', workers, builders, schedulers });
`;
}
