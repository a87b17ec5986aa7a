import { randomBytes } from 'node:crypto';
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { homeAt } from './home.ts';
import { prepareRsync } from './rsync-daemon.ts';
import { prepareScripts, push, wasPushed } from './scripts-repository.ts';
import { prepareSources } from './sources.ts';

/**
 * Prepares the volumes of the site in containers (docker/compose.yaml): the build scripts with a first push, sources,
 * samples, and a token for each worker that is named as an argument. What is there stays, so it is safe to run again.
 */
const SITE = process.env.ICEFALL_SITE ?? '/site';
/** For the master: NAME.token. */
const TOKENS = process.env.ICEFALL_TOKENS ?? '/run/icefall/tokens';
/** For the workers: NAME/token, each in a volume of its own. */
const WORKER_TOKENS = process.env.ICEFALL_WORKER_TOKENS ?? '/run/icefall/workers';
/** Who the containers run as. */
const OWNER = Number(process.env.ICEFALL_UID ?? 10001);
/** Nobody asks this daemon: the laptop copies its samples from the folder. */
const RSYNC_PORT = 873;

const workers = process.argv.slice(2);
if (workers.length === 0) throw new Error('name the workers that need a token');

for (const volume of [SITE, TOKENS, ...workers.map((name) => join(WORKER_TOKENS, name))]) {
  mkdirSync(volume, { recursive: true });
  if (process.getuid?.() === 0) chownSync(volume, OWNER, OWNER);
}
if (process.getuid?.() === 0) {
  process.setgroups?.([OWNER]);
  process.setgid?.(OWNER);
  process.setuid?.(OWNER);
  process.env.HOME = SITE;
}

const home = homeAt(SITE);
prepareScripts(home);
if (!wasPushed(home)) push(home);
copySources();
prepareRsync(home, RSYNC_PORT);
for (const name of workers) giveToken(name);
process.stdout.write(`prepared ${SITE} and the tokens of ${workers.join(', ')}\n`);

/** In whole: the workers have no node_modules that links could lead to. */
function copySources(): void {
  const links = mkdtempSync(join(tmpdir(), 'sources-'));
  prepareSources(links);
  for (const name of readdirSync(links))
    cpSync(realpathSync(join(links, name)), join(home.sources, name), { recursive: true, dereference: true });
  rmSync(links, { recursive: true });
}

function giveToken(name: string): void {
  const file = join(TOKENS, `${name}.token`);
  if (existsSync(file)) return;
  const token = `${randomBytes(32).toString('base64url')}\n`;
  // The worker's first: where the master's is there, both are.
  writeFileSync(join(WORKER_TOKENS, name, 'token'), token, { mode: 0o600 });
  writeFileSync(file, token, { mode: 0o600 });
}
