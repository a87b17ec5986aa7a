// Makes a fresh clone ready: dependencies, the system tools that the project runs, the web page, a browser for tests.
// Plain JavaScript, because it runs on whatever Node (>= 20) the machine has; everything after it runs on the pinned one.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchDebianPrograms } from './debian-programs.mjs';
import { PNPM } from './package-manager.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const wanted = new Set(process.argv.slice(2));

/** Programs the project runs, with the Debian package that carries each. */
const TOOLS = [
  { program: 'git', debian: 'git', why: 'sources are checked out with it' },
  { program: 'rsync', debian: 'rsync', why: 'trees are copied to the stratum 0 with it' },
  { program: 'cc', debian: 'gcc libc6-dev', why: 'the demonstration site compiles C programs' },
  { program: 'make', debian: 'make', why: 'the demonstration site builds with it' },
];
/** For `npm run containers`: images are built and run without an engine, their bases come from Debian's archive. */
const CONTAINER_TOOLS = [
  { program: 'buildah', debian: 'buildah crun fuse-overlayfs uidmap', why: 'images are built with it' },
  { program: 'debootstrap', debian: 'debootstrap', why: 'bases of images are made with it' },
  { program: 'haproxy', debian: 'haproxy', why: 'the shipped configuration is tried in front of a master' },
];
/** What tests run beside. */
const TEST_TOOLS = [{ program: 'openssl', debian: 'openssl', why: 'certificates of tests are made with it' }];
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const say = (text) => process.stderr.write(`setup: ${text}\n`);
const fail = (text) => {
  say(text);
  process.exit(1);
};
const found = (program) =>
  (process.env.PATH ?? '').split(delimiter).some((dir) => dir !== '' && existsSync(join(dir, program)));

function filesBelow(dir) {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'node_modules' || entry.name === 'dist') return [];
    const path = join(dir, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

function hashOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths.filter(existsSync).sort())
    hash.update(path.slice(root.length)).update('\0').update(readFileSync(path));
  return hash.digest('hex');
}

/** Runs `make` unless the stamp file already holds the hash of the inputs. */
function whenChanged(stamp, inputs, make) {
  const hash = hashOf(inputs);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  make();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, hash);
}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], ...options });
  if (result.error) fail(`${command} could not be started: ${result.error.message}`);
  if (result.status !== 0) fail(`"${command} ${args.join(' ')}" ended with ${result.status ?? result.signal}`);
}

function onDebian() {
  if (!existsSync('/etc/os-release')) return false;
  return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'));
}

let aptUpdated = false;
function aptInstall(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  if (!aptUpdated) run('apt-get', ['update', '-qq'], { env });
  aptUpdated = true;
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { env });
}

function ensureTools(tools) {
  const missing = tools.filter((tool) => !found(tool.program));
  if (missing.length === 0) return;
  const packages = missing.flatMap((tool) => tool.debian.split(' '));
  const command = `apt-get install -y ${packages.join(' ')}`;
  for (const tool of missing) say(`missing: ${tool.program} (${tool.why})`);
  if (process.getuid?.() === 0 && onDebian()) {
    say(command);
    aptInstall(packages);
  } else {
    fail(`please install them and try again. On Debian or Ubuntu: sudo ${command}`);
  }
}

function ensureDependencies() {
  if (process.platform !== 'linux' && Number(process.versions.node.split('.')[0]) < 24)
    fail(
      `Node 24 or newer is needed on ${process.platform} (this is ${process.version}); on Linux the project brings its own.`,
    );
  const manifests = ['.', 'master', 'worker', 'shared', 'config', 'tests', 'docs', 'docker', 'k8s'].map((dir) =>
    join(root, dir, 'package.json'),
  );
  const inputs = [join(root, 'pnpm-lock.yaml'), join(root, 'pnpm-workspace.yaml'), ...manifests];
  whenChanged(join(root, 'node_modules', '.icefall-setup'), inputs, () => {
    say('installing dependencies');
    run('npx', ['--yes', PNPM, 'install', '--frozen-lockfile', '--reporter=append-only']);
  });
}

function ensurePage() {
  const web = join(root, 'master', 'web');
  const inputs = [...filesBelow(web), ...filesBelow(join(root, 'shared', 'src')), join(root, 'pnpm-lock.yaml')];
  whenChanged(join(web, 'dist', '.icefall-setup'), inputs, () => {
    say('building the web page');
    run('node', [join(root, 'master', 'node_modules', 'vite', 'bin', 'vite.js'), 'build', '--logLevel', 'warn'], {
      cwd: web,
      env: { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}` },
    });
  });
}

function ensureBrowser() {
  if (process.env.ICEFALL_BROWSER && existsSync(process.env.ICEFALL_BROWSER)) return;
  if (!BROWSERS.some(found))
    ensureTools([{ program: 'chromium', debian: 'chromium', why: 'the page is tested in it' }]);
}

ensureTools(wanted.has('--tests') ? [...TOOLS, ...TEST_TOOLS] : TOOLS);
ensureDependencies();
if (wanted.has('--page') && existsSync(join(root, 'master', 'web', 'index.html'))) ensurePage();
if (wanted.has('--browser')) {
  ensureBrowser();
  fetchDebianPrograms(root, say);
}
if (wanted.has('--containers')) ensureTools(CONTAINER_TOOLS);
