// Servers and tools of Debian that tests try the project against, fetched into a folder below node_modules/.cache: nothing
// is installed, nothing on the machine changes, and root is not needed. Plain JavaScript, as setup.mjs is.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Programs by Debian's package. Administrators' folders are looked into as well: a user's PATH lacks them. */
const PROGRAMS = {
  attr: ['getfattr', 'setfattr'],
  haproxy: ['haproxy'],
  nginx: ['nginx'],
  slapd: ['slapd', 'slapadd'],
};
const ADMINISTRATORS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];
/** Of one call of apt-get: a machine without a network must not hold the tests up. */
const LIMIT_MS = 60_000;

/** What apt would do on the machine after an update or a download: clean the machine's own caches, for instance. */
const NO_HOOKS = [
  'APT::Update::Pre-Invoke',
  'APT::Update::Post-Invoke',
  'APT::Update::Post-Invoke-Success',
  'DPkg::Pre-Invoke',
  'DPkg::Post-Invoke',
  'DPkg::Pre-Install-Pkgs',
];

/**
 * Fetches what the machine lacks, once for each release of the system: `files/` holds the packages' content, `bin/` a
 * command for each program. What cannot be fetched is told with `say` and not made: its tests skip.
 */
export function fetchDebianPrograms(root, say) {
  const place = join(root, 'node_modules', '.cache', 'debian-programs');
  const searched = [...(process.env.PATH ?? '').split(delimiter), ...ADMINISTRATORS];
  const isHere = (program) => searched.some((dir) => dir !== '' && existsSync(join(dir, program)));
  const missing = Object.keys(PROGRAMS).filter((name) => !PROGRAMS[name].every(isHere));
  const stamp = join(place, 'stamp');
  const system = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  const wanted = createHash('sha256').update(
    `${system}\0${process.arch}\0${missing}\0${readFileSync(new URL(import.meta.url))}`,
  );
  const hash = wanted.digest('hex');
  if (missing.length === 0 || (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash)) return;
  rmSync(place, { recursive: true, force: true });
  const failure = fetchPackages(place, missing);
  if (failure !== null) {
    rmSync(place, { recursive: true, force: true });
    say(`tests with ${missing.join(', ')} will be skipped: ${failure}`);
    return;
  }
  for (const program of missing.flatMap((name) => PROGRAMS[name])) writeCommand(place, program);
  writeFileSync(stamp, hash);
}

/** Null, or why they could not be fetched. */
function fetchPackages(place, packages) {
  const lists = join(place, 'apt', 'lists', 'partial');
  const archives = join(place, 'apt', 'archives');
  for (const dir of [lists, join(archives, 'partial'), join(place, 'bin')]) mkdirSync(dir, { recursive: true });
  const hooks = join(place, 'apt', 'hooks.conf');
  writeFileSync(hooks, NO_HOOKS.map((name) => `#clear ${name};\n`).join(''));
  const settings = {
    'Dir::State': join(place, 'apt'),
    'Dir::State::status': '/var/lib/dpkg/status',
    'Dir::Cache': join(place, 'apt'),
    'Dir::Log': join(place, 'apt'),
    'Debug::NoLocking': '1',
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '0',
    'Acquire::http::Timeout': '10',
    'Acquire::https::Timeout': '10',
  };
  const options = [
    '-qq',
    '-c',
    hooks,
    ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
  ];
  const download = ['-y', '--no-install-recommends', '--download-only', 'install', ...packages];
  const failure = run('apt-get', [...options, 'update']) ?? run('apt-get', [...options, ...download]);
  if (failure !== null) return failure;
  for (const name of readdirSync(archives).filter((file) => file.endsWith('.deb'))) {
    const failed = run('dpkg', ['-x', join(archives, name), join(place, 'files')]);
    if (failed !== null) return failed;
  }
  rmSync(join(place, 'apt'), { recursive: true });
  return null;
}

function run(command, args) {
  const { error, status, signal } = spawnSync(command, args, { stdio: 'ignore', timeout: LIMIT_MS });
  if (error?.code === 'ENOENT') return `${command} is not here (they are fetched on Debian and its kin only)`;
  if (error || status !== 0) return `${command} ended with ${error?.code ?? status ?? signal} (is there a network?)`;
  return null;
}

/** A command that runs the program with the libraries that were fetched along. */
function writeCommand(place, program) {
  const files = join(place, 'files');
  const file = ['usr/sbin', 'usr/bin', 'sbin', 'bin'].map((dir) => join(files, dir, program)).find(existsSync);
  if (file === undefined) return;
  const libraries = ['usr/lib', 'lib'].flatMap((dir) => {
    const found = existsSync(join(files, dir)) ? readdirSync(join(files, dir)) : [];
    return found.filter((name) => name.endsWith('-linux-gnu')).map((name) => join(files, dir, name));
  });
  const command = join(place, 'bin', program);
  const path = libraries.map(quoted).join(':');
  writeFileSync(command, `#!/bin/sh\nLD_LIBRARY_PATH=${path}\nexport LD_LIBRARY_PATH\nexec ${quoted(file)} "$@"\n`);
  chmodSync(command, 0o755);
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
