/**
 * The platforms, in the order of their columns. **A new platform is one line here** (and a file in the build scripts'
 * `platforms/`): its image, worker, builders and place in every schedule follow from it.
 */
export interface Platform {
  /** Of the worker, the builders, the folder in the tree, and the file in the build scripts. */
  readonly name: string;
  readonly title: string;
  /** Image that the worker's image is made from. */
  readonly image: string;
  readonly packages: 'dnf' | 'apt';
  /** New enough for Spack builds. */
  readonly spack: boolean;
}

export const PLATFORMS = [
  { name: 'alma8', title: 'AlmaLinux 8', image: 'almalinux:8', packages: 'dnf', spack: false },
  { name: 'alma9', title: 'AlmaLinux 9', image: 'almalinux:9', packages: 'dnf', spack: true },
  { name: 'ubuntu22.04', title: 'Ubuntu 22.04', image: 'ubuntu:22.04', packages: 'apt', spack: false },
  { name: 'ubuntu24.04', title: 'Ubuntu 24.04', image: 'ubuntu:24.04', packages: 'apt', spack: true },
  { name: 'debian12', title: 'Debian 12', image: 'debian:12-slim', packages: 'apt', spack: true },
  { name: 'debian13', title: 'Debian 13', image: 'debian:13-slim', packages: 'apt', spack: true },
] as const satisfies readonly Platform[];
