import { execFileSync } from 'node:child_process';
import { type Home, PROGRAMS } from './home.ts';

/**
 * Installs the hook through which a push reaches the master, and tells of the pushes that came while no master was
 * there. Done at every start: the port may be another one.
 */
export function installHook(home: Home, url: string): void {
  const icefall = (...args: readonly string[]) =>
    execFileSync(process.execPath, [PROGRAMS.master, 'hook', ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  icefall('install', home.bareScripts, '--url', url);
  icefall('flush', home.bareScripts);
}
