/**
 * The platforms, in the order of their columns. **A new platform is one entry here** (and a file in the build scripts'
 * `platforms/`): its image, worker, builders, manifests and place in every schedule follow from it.
 * `icefall platform add NAME --base IMAGE` writes all of it; `icefall platform remove NAME` takes it away.
 */
export interface Platform {
  /** Of the worker, the builders, the folder in the tree, and the file in the build scripts. */
  readonly name: string;
  readonly title: string;
  /** Image that the worker's image is made from, with a version: `docker.io/library/debian:12-slim`. */
  readonly base: string;
  /** How packages are installed there. */
  readonly family: 'apt' | 'dnf';
  /** New enough for Spack builds. */
  readonly spack: boolean;
  /** Packages that its builds need beside those of the policy. */
  readonly packages?: readonly string[];
  /** What its worker needs, where that is not what the policy says. */
  readonly needs?: { readonly cpus?: number; readonly memoryMb?: number; readonly gpus?: number };
}

export const PLATFORMS = [
  { name: 'alma8', title: 'AlmaLinux 8', base: 'docker.io/library/almalinux:8', family: 'dnf', spack: false },
  { name: 'alma9', title: 'AlmaLinux 9', base: 'docker.io/library/almalinux:9', family: 'dnf', spack: true },
  { name: 'ubuntu22.04', title: 'Ubuntu 22.04', base: 'docker.io/library/ubuntu:22.04', family: 'apt', spack: false },
  { name: 'ubuntu24.04', title: 'Ubuntu 24.04', base: 'docker.io/library/ubuntu:24.04', family: 'apt', spack: true },
  { name: 'debian11', title: 'Debian 11', base: 'docker.io/library/debian:11-slim', family: 'apt', spack: false },
  { name: 'debian12', title: 'Debian 12', base: 'docker.io/library/debian:12-slim', family: 'apt', spack: true },
  { name: 'debian13', title: 'Debian 13', base: 'docker.io/library/debian:13-slim', family: 'apt', spack: true },
] as const satisfies readonly Platform[];
