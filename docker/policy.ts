/**
 * What holds for every image of the site: the policies that {@link ../image.ts} checks and the defaults it fills in.
 */
export const POLICY = {
  /** What the names of the images begin with, and their tag. */
  registry: 'registry.example.org/icefall',
  version: '0.1.0',
  source: 'https://git.example.org/software/icefall',
  licences: 'MIT',
  /** Who everything runs as. Not 1000, which some bases have given away already. */
  user: { name: 'icefall', uid: 10001 },
  /** What a container gets unless its image says something else: the platform workers of the pipeline. */
  needs: { cpus: 4, memoryMb: 8000, gpus: 0 },
  /**
   * Node comes as one binary from its official image, which is built against glibc 2.28 and libstdc++ of GCC 8: the
   * oldest platform (AlmaLinux 8) has exactly these.
   */
  node: 'docker.io/library/node:24.21.0-bookworm-slim',
  /** Of everything that is no platform: master and stratum 0. */
  debian: 'docker.io/library/debian:12-slim',
  /** Reaps what daemons leave and passes signals on; static, so that the one binary runs on every platform. */
  init: {
    on: 'docker.io/library/debian:12-slim',
    packages: ['tini'],
    program: '/usr/bin/tini-static',
    target: '/usr/local/bin/tini',
    options: ['-s', '--'],
  },
  /** Nobody reads these in a container: they are not unpacked, whatever the base does. Licences stay. */
  notUnpacked: ['/usr/share/doc/*', '/usr/share/info/*', '/usr/share/locale/*', '/usr/share/man/*'],
  unpacked: ['/usr/share/doc/*/copyright', '/usr/share/locale/locale.alias'],
  /** Programs that every platform's builds may count on, as its packages. */
  buildPackages: {
    apt: ['ca-certificates', 'file', 'g++', 'gcc', 'git', 'libc6-dev', 'make', 'patch', 'python3', 'rsync', 'xz-utils'],
    dnf: [
      ...['ca-certificates', 'diffutils', 'file', 'findutils', 'gcc', 'gcc-c++', 'git', 'make', 'patch', 'python3'],
      ...['rsync', 'shadow-utils', 'util-linux', 'xz'],
    ],
  },
} as const;
