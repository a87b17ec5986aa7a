import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Kept between runs: to build it takes some minutes and a gigabyte. */
const CACHE = resolve(import.meta.dirname, '../../node_modules/.cache/kube-apiserver');

/** The newest release of Debian whose source is whole; later ones have that of the client only. */
const SOURCE =
  'deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main';
const PACKAGES = ['etcd-server', 'golang-1.19-go', 'golang-1.19-src'];

export interface ApiServerPrograms {
  readonly etcd: string;
  readonly apiServer: string;
}

/**
 * An API server of Kubernetes and its etcd. Debian has the one as a package, and of the other the source: it is built with
 * Debian's compiler, below node_modules/.cache; nothing is installed. For Debian 12 and its kin.
 */
export function apiServerPrograms(say: (line: string) => void): ApiServerPrograms {
  const files = join(CACHE, 'files');
  const programs = { etcd: join(files, 'usr/bin/etcd'), apiServer: join(CACHE, 'kube-apiserver') };
  if (Object.values(programs).every((program) => existsSync(program))) return programs;
  say('builds an API server from its source in Debian: once, for some minutes');
  rmSync(CACHE, { recursive: true, force: true });
  mkdirSync(join(CACHE, 'debs'), { recursive: true });
  run('apt-get', ['download', '-qq', ...PACKAGES], { cwd: join(CACHE, 'debs') });
  for (const deb of readdirSync(join(CACHE, 'debs'))) run('dpkg', ['-x', join(CACHE, 'debs', deb), files]);
  build(fetchSource(), programs.apiServer, join(files, 'usr/lib/go-1.19'));
  for (const done of ['apt', 'debs', 'gopath', 'gocache']) rmSync(join(CACHE, done), { recursive: true, force: true });
  return programs;
}

/** Gives its folder, which has the name that Go wants. */
function fetchSource(): string {
  const apt = join(CACHE, 'apt');
  for (const folder of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(apt, folder), { recursive: true });
  writeFileSync(join(apt, 'sources.list'), `${SOURCE}\n`);
  const settings = {
    'Dir::Etc::sourcelist': join(apt, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State::lists': join(apt, 'lists'),
    'Dir::Cache': join(apt, 'cache'),
    'APT::Sandbox::User': '',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  run('apt-get', ['-qq', ...options, 'update']);
  run('apt-get', ['-qq', ...options, '--download-only', 'source', 'kubernetes'], { cwd: apt });
  const archive = readdirSync(apt).find((name) => name.endsWith('.orig.tar.gz'));
  if (archive === undefined) throw new Error('apt-get source kubernetes gave no archive');
  const parent = join(CACHE, 'gopath/src/k8s.io');
  mkdirSync(parent, { recursive: true });
  run('tar', ['-xzf', join(apt, archive), '-C', parent]);
  const [unpacked = ''] = readdirSync(parent);
  renameSync(join(parent, unpacked), join(parent, 'kubernetes'));
  return join(parent, 'kubernetes');
}

/** As its own makefile does it, without what that needs beside: first the definitions of its API, then the program. */
const BUILD = `
definitions=$(grep -rl '+k8s:openapi-gen=' --include=*.go vendor/k8s.io pkg staging | xargs -n1 dirname |
  sed 's#^staging/src/#vendor/#' | sort -u | grep -vE 'code-generator|sample-apiserver|gengo|kube-openapi/(cmd|pkg/generators)|_examples' |
  sed 's#^vendor/##; s#^pkg/#k8s.io/kubernetes/pkg/#' | paste -sd,)
go build -o "$GOPATH/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
"$GOPATH/openapi-gen" -i "$definitions" -p k8s.io/kubernetes/pkg/generated/openapi -O zz_generated.openapi \\
  -h hack/boilerplate/boilerplate.generatego.txt -r "$GOPATH/report" -o "$GOPATH/src"
go build -o "$1" ./cmd/kube-apiserver
`;

function build(source: string, program: string, goRoot: string): void {
  const env = {
    PATH: `${goRoot}/bin:${process.env.PATH}`,
    HOME: CACHE,
    GOROOT: goRoot,
    GOPATH: join(CACHE, 'gopath'),
    GOCACHE: join(CACHE, 'gocache'),
    GO111MODULE: 'off',
    CGO_ENABLED: '0',
  };
  run('nice', ['sh', '-ec', BUILD, 'sh', program], { cwd: source, env });
}

function run(program: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): void {
  execFileSync(program, args, { stdio: ['ignore', 2, 2], ...options });
}
