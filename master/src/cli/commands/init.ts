import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { CliError, EXIT } from '../exit.ts';
import { STARTER_FILES } from '../starter-site.ts';

export function addInit(program: Command, context: CommandContext): void {
  program
    .command('init')
    .argument('<dir>', 'a new folder, or one without a site')
    .description('make a small site to begin with')
    .action((dir: string) => {
      const folder = resolve(context.terminal.cwd, dir);
      const there = Object.keys(STARTER_FILES).filter((name) => existsSync(join(folder, name)));
      if (there.length > 0)
        throw new CliError(EXIT.failed, `${folder} has ${there.join(', ')} already; nothing was written`);
      mkdirSync(folder, { recursive: true });
      // `wx`: a file that came meanwhile is not overwritten either.
      for (const [name, text] of Object.entries(STARTER_FILES)) writeFileSync(join(folder, name), text, { flag: 'wx' });
      const files = Object.keys(STARTER_FILES);
      context.print({ folder, files }, () => [
        `made ${files.map((name) => join(dir, name)).join(', ')}`,
        `next: icefall check ${dir}, then icefall start ${dir}`,
      ]);
    });
}
