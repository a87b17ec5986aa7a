import {
  type Build,
  buildSchema,
  formatDuration,
  type Log,
  type LogLine,
  logLinesSchema,
  type Step,
} from '@icefall/shared';
import type { Command } from 'commander';
import { fetchBuild, findStep, parseBuildReference } from '../client/build-reference.ts';
import { changes } from '../client/changes.ts';
import { followLog } from '../client/follow-log.ts';
import { apiPath } from '../client/paths.ts';
import { insist } from '../client/reconnect.ts';
import type { CommandContext } from '../context.ts';
import { CliError, EXIT } from '../exit.ts';
import { paint, printable, printableLog } from '../output/text.ts';
import { buildName, buildStateCell } from '../output/words.ts';

/** Lines that are asked for at once. */
const PAGE_LINES = 5000;

interface Options {
  readonly follow?: boolean;
  readonly name?: string;
  readonly time?: boolean;
}

export function addLog(program: Command, context: CommandContext): void {
  program
    .command('log')
    .argument('<build>', 'id or builder/number, with .STEP (number or name) for one step alone')
    .option('-f, --follow', 'go on until the step, or the whole build, has ended')
    .option('--name <log>', 'only this log of each step, for instance stdio')
    .option('-t, --time', 'the time before each line')
    .description('print the log of a build or a step')
    .action((reference: string, options: Options) => new LogPrinter(context, options).print(reference));
}

/** Prints logs of a build, each once. */
class LogPrinter {
  readonly #context: CommandContext;
  readonly #options: Options;
  readonly #printed = new Set<number>();

  constructor(context: CommandContext, options: Options) {
    this.#context = context;
    this.#options = options;
  }

  async print(text: string): Promise<void> {
    const reference = parseBuildReference(text);
    const client = this.#context.client();
    const { value: build } = await fetchBuild(client, reference);
    if (this.#options.follow === true) return this.#follow(build.id, reference.step);
    if (reference.step !== null) findStep(build, reference.step);
    const logs = this.#logsOf(build, reference.step);
    if (logs.length === 0 && this.#options.name !== undefined)
      throw noSuchLog(build, reference.step, this.#options.name);
    if (this.#context.wantsJson()) return this.#printDocument(logs);
    for (const { step, log } of logs) {
      if (reference.step === null) this.#heading(step, log);
      await this.#pages(log, (lines) => this.#lines(lines));
    }
  }

  async #follow(buildId: number, wantedStep: string | null): Promise<void> {
    const { terminal } = this.#context;
    const client = this.#context.client();
    const isOfBuild = (kind: string, key: string) =>
      (kind === 'build' && key === String(buildId)) || (kind === 'step' && key.startsWith(`${buildId}.`));
    for await (const _ of changes(client, terminal, isOfBuild)) {
      let build = await this.#build(buildId);
      for (let fresh = this.#fresh(build, wantedStep); fresh.length > 0; fresh = this.#fresh(build, wantedStep)) {
        for (const { step, log } of fresh) {
          this.#printed.add(log.id);
          if (wantedStep === null && !this.#context.wantsJson()) this.#heading(step, log);
          await followLog(client, terminal, log.id, (lines) => this.#lines(lines, log));
        }
        build = await this.#build(buildId);
      }
      if (this.#isOver(build, wantedStep)) {
        this.#ending(build);
        return;
      }
    }
  }

  async #build(id: number): Promise<Build> {
    const client = this.#context.client();
    const ask = () => client.get(apiPath(['builds', id]), buildSchema);
    return (await insist(this.#context.terminal, client.limits, ask)).value;
  }

  #fresh(build: Build, wantedStep: string | null) {
    return this.#logsOf(build, wantedStep).filter(({ log }) => !this.#printed.has(log.id));
  }

  #isOver(build: Build, wantedStep: string | null): boolean {
    if (build.result !== null) {
      // A step that never came: the list of those that did.
      if (wantedStep !== null) findStep(build, wantedStep);
      return true;
    }
    return wantedStep !== null && stepsOf(build, wantedStep).some(({ state }) => state === 'finished');
  }

  #logsOf(build: Build, wantedStep: string | null): { step: Step; log: Log }[] {
    return stepsOf(build, wantedStep).flatMap((step) =>
      step.logs
        .filter((log) => this.#options.name === undefined || log.name === this.#options.name)
        .map((log) => ({ step, log })),
    );
  }

  async #pages(log: Log, print: (lines: readonly LogLine[]) => void): Promise<void> {
    const client = this.#context.client();
    for (let first = 0; ; ) {
      const path = apiPath(['logs', log.id, 'lines'], { first, limit: PAGE_LINES });
      const { value } = await client.get(path, logLinesSchema);
      print(value.lines);
      first = (value.lines.at(-1)?.n ?? first) + 1;
      if (value.lines.length === 0 || first >= value.total) return;
    }
  }

  /** One document, written as its lines come: a log may be larger than memory. */
  async #printDocument(logs: readonly { log: Log }[]): Promise<void> {
    const { terminal } = this.#context;
    terminal.out('{"logs":[');
    for (const [i, { log }] of logs.entries()) {
      terminal.out(`${i === 0 ? '' : ','}\n{"log":${JSON.stringify(log)},"lines":[`);
      let isFirst = true;
      await this.#pages(log, (lines) => {
        if (lines.length === 0) return;
        terminal.out(`${isFirst ? '' : ','}\n${lines.map((line) => JSON.stringify(line)).join(',\n')}`);
        isFirst = false;
      });
      terminal.out(']}');
    }
    terminal.out(']}\n');
  }

  #lines(lines: readonly LogLine[], log?: Log): void {
    const { terminal } = this.#context;
    if (lines.length === 0) return;
    const texts =
      log !== undefined && this.#context.wantsJson()
        ? lines.map((line) => JSON.stringify({ logId: log.id, stepNumber: log.stepNumber, name: log.name, ...line }))
        : lines.map((line) => this.#line(line));
    terminal.out(`${texts.join('\n')}\n`);
  }

  #line({ at, stream, text }: LogLine): string {
    const { terminal } = this.#context;
    const time = this.#options.time === true ? `${new Date(at).toISOString()} ` : '';
    if (terminal.columns === null) return time + text;
    const shown = printableLog(text, terminal.colour);
    if (stream === 'stdout') return paint(terminal, 'dim', time) + shown;
    return paint(terminal, 'dim', time) + paint(terminal, stream === 'stderr' ? 'red' : 'cyan', shown);
  }

  #heading(step: Step, log: Log): void {
    const result = step.result === null ? '' : `, ${step.result}`;
    const name = log.name === 'stdio' ? '' : ` ${log.name}`;
    const text = `── ${step.number} ${step.name}${name}${result} ──`;
    this.#context.terminal.out(`${paint(this.#context.terminal, 'bold', printable(text))}\n`);
  }

  #ending(build: Build): void {
    if (build.result === null || build.finishedAt === null) return;
    const took = formatDuration(build.finishedAt - build.startedAt);
    this.#context.terminal.err(`icefall: build ${buildName(build)} ended: ${buildStateCell(build).text} in ${took}\n`);
  }
}

function stepsOf(build: Build, wanted: string | null): readonly Step[] {
  if (wanted === null) return build.steps;
  const numbered = build.steps.filter(({ number }) => String(number) === wanted);
  return numbered.length > 0 ? numbered : build.steps.filter(({ name }) => name === wanted).slice(0, 1);
}

function noSuchLog(build: Build, step: string | null, name: string): CliError {
  const names = new Set(stepsOf(build, step).flatMap(({ logs }) => logs.map((log) => log.name)));
  const list = names.size === 0 ? 'none' : [...names].join(', ');
  return new CliError(EXIT.failed, `there is no log ${JSON.stringify(name)} in ${buildName(build)}; there is ${list}`);
}
