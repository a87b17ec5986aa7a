// `npm run advisories`: whether the registry knows of holes in what the lockfile names. `npm test` does so with --only-tell:
// what becomes known tomorrow must not make a commit fail that is green today.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { PNPM } from './package-manager.mjs';

/** Advisories that do not concern us, by their id, with the reason and the day until which that is to be believed. */
const ACCEPTED: Readonly<Record<string, string>> = {};
/** Of which one is a fault; lesser ones are told. */
const FATAL: readonly string[] = ['high', 'critical'];
/** A registry that does not answer must not hold up those who have no network. */
const LIMIT_MS = 60_000;

interface Advisory {
  readonly id: string;
  readonly title: string;
  readonly severity: string;
  /** The package as it is installed, and by whom. */
  readonly found: string;
  /** Versions without it; null: there is none. */
  readonly patched: string | null;
}

/** What came of asking. */
export interface Verdict {
  readonly ok: boolean;
  /** For people: the last one says how it went. */
  readonly lines: readonly string[];
}

/** Reads what `pnpm audit --json` printed. An answer that is none passes, with the reason: the registry may not offer it. */
export function verdictOf(printed: string, accepted = ACCEPTED): Verdict {
  const known = advisoriesIn(printed);
  if (known === null) return { ok: true, lines: [`not known: ${whyNot(printed)}`] };
  const open = known.filter(({ id }) => !(id in accepted));
  const lines = open.map(({ id, title, severity, found, patched }) => {
    const remedy = patched === null ? 'there is no version without it' : `take ${patched}`;
    return `${severity}: ${found}: ${title} (${id}); ${remedy}`;
  });
  const ok = !open.some(({ severity }) => FATAL.includes(severity));
  return { ok, lines: [...lines, open.length === 0 ? 'none' : `${open.length} known`] };
}

/** Null: this is no answer of `pnpm audit`. */
function advisoriesIn(printed: string): Advisory[] | null {
  try {
    const advisories: unknown = Reflect.get(Object(JSON.parse(printed.slice(printed.indexOf('{')))), 'advisories');
    return typeof advisories === 'object' && advisories !== null ? Object.values(advisories).map(advisoryOf) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function advisoryOf(told: unknown): Advisory {
  const text = (of: unknown, name: string) => {
    const value: unknown = Reflect.get(Object(of), name);
    return typeof value === 'string' ? value : null;
  };
  const first: unknown = Reflect.get(Object(Reflect.get(Object(told), 'findings')), 0);
  const by: unknown = Reflect.get(Object(Reflect.get(Object(first), 'paths')), 0);
  const title = text(told, 'title') ?? '?';
  return {
    ...{ id: text(told, 'github_advisory_id') ?? title, title, severity: text(told, 'severity') ?? '?' },
    found: `${text(told, 'module_name')} ${text(first, 'version')} (${String(by)})`,
    patched: text(told, 'patched_versions'),
  };
}

/** Without the registry's address, which is that of one machine's network. */
function whyNot(printed: string): string {
  const plain = printed.replace(/https?:\/\/\S+/g, 'the registry').replace(/[\s│×]+/g, ' ');
  if (/BAD_RESPONSE|AUDIT_ENDPOINT_NOT_EXISTS|responded with/.test(plain))
    return `this registry does not offer advisories (${/responded with \d+/.exec(plain)?.[0] ?? 'a bad answer'})`;
  return `the registry was not reached (${/[A-Z]+_?[A-Z_]{3,}/.exec(plain)?.[0] ?? 'no answer'})`;
}

if (import.meta.main) {
  const command = ['--yes', PNPM, 'audit', '--json'];
  const options = { cwd: join(import.meta.dirname, '..'), encoding: 'utf8', timeout: LIMIT_MS } as const;
  const { stdout, stderr } = spawnSync('npx', command, options);
  const { ok, lines } = verdictOf(stdout.includes('"advisories"') ? stdout : `${stdout}${stderr}`);
  for (const line of lines) process.stderr.write(`advisories: ${line}\n`);
  process.exit(ok || process.argv.includes('--only-tell') ? 0 : 1);
}
