import { execFileSync } from 'node:child_process';
import { type Home, PROGRAMS } from './home.ts';

/** Installs the hook through which a push reaches the master. Done at every start: the port may be another one. */
export function installHook(home: Home, url: string): void {
  execFileSync(process.execPath, [PROGRAMS.master, 'hook', 'install', home.bareScripts, '--url', url], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
