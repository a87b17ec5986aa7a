import { join } from 'node:path';
import { Stratum0Error } from './errors.ts';

/** Where the parts of one repository are. */
export interface RepositoryPaths {
  readonly name: string;
  /** What the HTTP server offers as `/cvmfs/NAME`. */
  readonly served: string;
  readonly manifest: string;
  readonly whitelist: string;
  readonly reflog: string;
  /** State of the transaction, lock, index of the mount tree. */
  readonly spool: string;
  readonly transaction: string;
  readonly lock: string;
  /** The newest grant of a lock under which a command came. */
  readonly fence: string;
  readonly mountIndex: string;
  /** There while objects are written that are not durable yet. */
  readonly unsettled: string;
  /** What publishes have done, as the stock tools keep it. */
  readonly statistics: string;
  /** What a site has set for the repository; may be missing. */
  readonly settings: string;
  /** The reflog as it was before the publish that is under way. */
  readonly reflogBefore: string;
  /** The tree that users see as `/cvmfs/NAME`; to be changed only in a transaction. */
  readonly mount: string;
  readonly privateKey: string;
  readonly certificate: string;
  readonly masterKey: string;
  readonly publicKey: string;
}

/** Longer names are refused by clients. */
const MAX_NAME_LENGTH = 60;
/** A fully qualified repository name, of the characters that clients take: labels of letters, digits, `-` and `_`. */
export const NAME_PATTERN = '[A-Za-z0-9][A-Za-z0-9_-]*(?:\\.[A-Za-z0-9][A-Za-z0-9_-]*)+';
const NAME = new RegExp(`^${NAME_PATTERN}$`);

/** Checks a repository name. Throws `bad_name`. */
function checkName(name: string): string {
  if (name.length > MAX_NAME_LENGTH || !NAME.test(name))
    throw new Stratum0Error(
      'bad_name',
      `"${name}" is not a repository name: give a domain name of at most ${MAX_NAME_LENGTH} characters, such as software.example.org`,
    );
  return name;
}

/** The paths of a repository below the stratum 0's directory. Key files have the names that `cvmfs_server` gives them. */
export function repositoryPaths(directory: string, name: string): RepositoryPaths {
  checkName(name);
  const served = join(directory, 'srv', name);
  const spool = join(directory, 'spool', name);
  const keys = join(directory, 'keys');
  return {
    name,
    served,
    manifest: join(served, '.cvmfspublished'),
    whitelist: join(served, '.cvmfswhitelist'),
    reflog: join(served, '.cvmfsreflog'),
    spool,
    transaction: join(spool, 'transaction.json'),
    lock: join(spool, 'lock'),
    fence: join(spool, 'fence'),
    mountIndex: join(spool, 'mount-index'),
    unsettled: join(spool, 'unsettled'),
    statistics: join(spool, 'stats.db'),
    settings: join(spool, 'server.conf'),
    reflogBefore: join(spool, 'reflog-before'),
    mount: join(directory, 'mount', name),
    privateKey: join(keys, `${name}.key`),
    certificate: join(keys, `${name}.crt`),
    masterKey: join(keys, `${name}.masterkey`),
    publicKey: join(keys, `${name}.pub`),
  };
}

/** Splits `REPO/sub/path`. The path is without slashes at its ends, and empty for the whole repository. */
export function splitTarget(target: string): { name: string; path: string } {
  const slash = target.indexOf('/');
  const name = checkName(slash < 0 ? target : target.slice(0, slash));
  const parts =
    slash < 0
      ? []
      : target
          .slice(slash + 1)
          .split('/')
          .filter((part) => part !== '' && part !== '.');
  if (parts.includes('..'))
    throw new Stratum0Error('bad_name', `"${target}" leaves the repository: a path must not hold ".."`);
  return { name, path: parts.join('/') };
}
