import { resolve } from 'node:path';
import { type Build, buildSchema, formatDuration, type Json } from '@icefall/shared';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { type Duration, parseDuration } from '../../config/durations.ts';
import type { SiteDeclaration } from '../../config/site.ts';
import type { Simulation, SimulationOptions } from '../../simulation/index.ts';
import { apiPath } from '../client/paths.ts';
import { type CommandContext, collect, namedValue } from '../context.ts';
import { CliError, EXIT, usageError } from '../exit.ts';
import { formValues } from '../form-values.ts';
import { courseLines } from '../output/course-lines.ts';
import { loadOrTell } from '../site-of.ts';
import { medianDurations } from '../step-medians.ts';

interface Options {
  readonly push?: string;
  readonly files?: string;
  readonly repository?: string;
  readonly force?: string;
  readonly set?: string[];
  readonly builder?: string[];
  readonly at?: string;
  readonly for?: string;
  readonly duration?: string[];
  readonly fail?: string[];
  readonly away?: string[];
}

/** What the clock starts is shown for so long. */
const USUAL_PERIOD = '1d';
/** Builds of history that tell how long steps take. */
const HISTORY = 200;

export function addSimulate(program: Command, context: CommandContext): void {
  program
    .command('simulate')
    .argument('[path]', "the site's program, or the folder of its site.ts", '.')
    .addOption(new Option('--push <branch>', 'a push to this branch').conflicts(['force']))
    .option('--files <list>', 'files that the push changes, with commas between them')
    .option('--repository <url>', 'where the push goes (default: the only one that the site names)')
    .option('--force <scheduler>', 'a force scheduler, as by hand')
    .option('--set <name=value>', 'a parameter of its form (may be repeated)', collect)
    .option('--builder <name>', 'only this of its builders (may be repeated)', collect)
    .option(
      '--at <time>',
      "when: 02:00 or 2025-03-30T02:00, in the site's time zone; alone: what the clock starts then",
    )
    .option('--for <duration>', `how long the clock is watched (default ${USUAL_PERIOD}), or builds are followed`)
    .option(
      '--duration <step=time>',
      "how long a step takes: build=2h, BUILDER/build=2h (default: the median at --url's master, else a minute; may be repeated)",
      collect,
    )
    .option('--fail <step>', 'a step that fails: STEP or BUILDER/STEP (may be repeated)', collect)
    .option('--away <worker>', 'a worker that is not there (may be repeated)', collect)
    .description('show in virtual time what a push, a person or the clock would start; nothing is run')
    .action((path: string, options: Options) => simulateSite(program, context, path, options));
}

async function simulateSite(program: Command, context: CommandContext, path: string, options: Options): Promise<void> {
  if (options.push === undefined && options.force === undefined && options.at === undefined)
    throw usageError('say what happens: --push BRANCH, --force SCHEDULER or --at TIME');
  const site = await loadOrTell(context, resolve(context.terminal.cwd, path));
  const known = program.opts<{ url?: string }>().url === undefined ? {} : await medians(context, site);
  const { simulate } = await import('../../simulation/index.ts');
  const course = explaining(() => {
    using simulation = simulate(site, optionsOf(context, options, known));
    return follow(simulation, site, options).course();
  });
  context.print(course, () => courseLines(context.terminal, course, headOf(options)));
}

function optionsOf({ terminal }: CommandContext, options: Options, known: Record<string, number>): SimulationOptions {
  const now = Math.floor(terminal.now() / 60_000) * 60_000;
  const given = Object.fromEntries((options.duration ?? []).map((pair) => namedValue('--duration', pair)));
  return {
    ...{ at: options.at ?? now, now, fail: options.fail ?? [], away: options.away ?? [] },
    // What is checked when it is used: its error names the remedy.
    durations: { ...known, ...given } as NonNullable<SimulationOptions['durations']>,
    clock: options.push === undefined && options.force === undefined,
  };
}

function follow(simulation: Simulation, site: SiteDeclaration, options: Options): Simulation {
  const period = options.for as Duration | undefined;
  if (options.push !== undefined) {
    const files = (options.files ?? '').split(',').filter((file) => file !== '');
    const { repository } = options;
    simulation.push({ branch: options.push, files, ...(repository === undefined ? {} : { repository }) });
  } else if (options.force !== undefined) {
    const scheduler = site.schedulers.find(({ name }) => name === options.force);
    const fields = scheduler?.kind === 'force' ? scheduler.fields.map(({ field }) => field) : [];
    const values: Record<string, Json> = formValues(fields, options.set ?? []);
    simulation.force(options.force, {
      values,
      ...(options.builder === undefined ? {} : { builders: options.builder }),
    });
  } else return simulation.run(justBelow(period ?? USUAL_PERIOD));
  return simulation.finish(period);
}

/** What begins at the end of a day belongs to the next one. */
function justBelow(period: Duration): Duration {
  const ms = parseDuration(period);
  return ms === null ? period : Math.max(0, ms - 1);
}

function headOf({ push, force, at }: Options): string {
  if (push !== undefined) return `a push to ${push}`;
  return force === undefined ? `the clock from ${at}` : `${force}, by hand`;
}

/** Mistakes in what was asked for: told in a line. */
const TOLD = new Set(['SimulationError', 'FormError', 'ChangeError', 'SchedulerError']);

function explaining<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error) || !TOLD.has(error.name)) throw error;
    throw new CliError(EXIT.usage, error.message, { cause: error });
  }
}

/** How long the site's steps take at the running master. */
async function medians(context: CommandContext, site: SiteDeclaration): Promise<Record<string, number>> {
  const page = z.object({ builds: z.array(buildSchema) });
  const path = apiPath(['builds'], { state: 'finished', limit: HISTORY });
  const { value } = await context.client().get(path, page);
  const builds: readonly Build[] = value.builds;
  const known = medianDurations(builds, site);
  const told = Object.entries(known).map(([step, ms]) => `${step} ${formatDuration(ms)}`);
  if (!context.wantsJson() && told.length > 0)
    context.terminal.err(`icefall: medians of history: ${told.join(', ')}\n`);
  return known;
}
