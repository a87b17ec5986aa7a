import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { PLATFORMS } from '@icefall/docker/platforms';
import { z } from 'zod';

/**
 * The one place for what differs between a laptop and the cluster: paths, names, commands, times. The defaults are the
 * cluster's; a JSON file named by ICEFALL_SETTINGS overrides any of them, also one of a group by itself.
 */
const text = z.string().min(1);
const command = z.array(text).min(1);
const cron = text;
const platformNames = PLATFORMS.map((platform) => platform.name);

const repositorySchema = z.strictObject({
  /** Fully qualified repository name. */
  name: text,
  /** Its publishing builder; a triggerable scheduler has the same name. */
  publisher: text,
});

const dataSchema = z.strictObject({
  /** Of the builder. */
  name: text,
  /** What rsync copies from. */
  source: text,
  /** Below the software repository. */
  path: text,
  cron,
});

const settingsSchema = z.strictObject({
  title: text.default('Software for every platform'),
  /** Address of the page, for links. */
  url: z.url().optional(),
  timeZone: text.default('Europe/Zurich'),
  /** Who may do what through the page and the API; see access.ts. */
  access: z.enum(['people', 'open', 'machine']).default('people'),

  /** Who is told by mail; see reporters.ts. Null: nobody. It needs `url`, for links. */
  mail: z
    .strictObject({
      /** A server that takes mail of the master's machine without a password. */
      server: z.strictObject({
        host: text,
        port: z.number().int().positive().default(25),
        tls: z.enum(['startTls', 'tls', 'none']).default('startTls'),
      }),
      from: text,
      to: z.array(text).min(1),
      /** Authors of a push are told, too, whose addresses are in one of these. */
      authorDomains: z.array(text).default([]),
    })
    .nullable()
    .default(null),

  /** The build scripts. */
  scripts: z
    .strictObject({
      repository: text.default('https://git.example.org/software/build-scripts.git'),
      branch: text.default('main'),
      /** How often the repository is asked for pushes that no hook told of; null: never. */
      poll: z
        .union([z.custom<`${number}s` | `${number}m`>((v) => /^\d+[sm]$/.test(String(v)))])
        .nullable()
        .default('300s'),
      /** Code hosts whose webhooks are received, each with the variable that holds its secret. */
      webhooks: z.partialRecord(z.enum(['github', 'gitlab', 'gitea']), text).default({}),
    })
    .prefault({}),
  /** Releases that a push builds, and the one that is built at night. */
  variants: z.array(text).min(1).default(['base_v1.0.0', 'tools_v1.1.0_metaproject']),
  nightlyVariant: text.default('tools_v1.1.0_metaproject'),

  platforms: z.array(z.enum(platformNames)).min(1).default(platformNames),
  /** Platform whose worker also does the serial checkout, the data copies and ARA; null: the first one. */
  checkoutPlatform: z.enum(platformNames).nullable().default(null),
  worker: z
    .strictObject({
      cpus: z.number().int().positive().default(4),
      memoryMb: z.number().int().positive().default(8000),
      /** Folder with a file NAME.token for each worker; null: tokens are issued by `icefall worker token issue`. */
      tokens: text.nullable().default(null),
    })
    .prefault({}),
  /** Cores that the lock `cpu` shares out, and what is kept free of them. */
  cores: z.number().int().positive().default(availableParallelism()),
  /** Added to the environment of everything that is built. */
  environment: z.record(z.string(), z.string()).default({}),

  repositories: z
    .strictObject({
      software: repositorySchema.default({ name: 'software.icefall.example', publisher: 'publish' }),
      ara: repositorySchema.default({ name: 'ara.icefall.example', publisher: 'publish_ara' }),
    })
    .prefault({}),
  paths: z
    .strictObject({
      /** The shared tree, as the platform workers see it. */
      tree: text.default('/cvmfs'),
      /** The same, as the stratum 0 sees it. */
      source: text.default('/cvmfs-source'),
      /** The repositories on the stratum 0, writable in a transaction. */
      mount: text.default('/cvmfs'),
      /** What its HTTP server offers. */
      served: text.default('/srv/cvmfs'),
      /** The publisher's own state, a folder for each repository. */
      spool: text.default('/var/spool/cvmfs'),
      /** Public keys and certificates of the repositories. */
      keys: text.default('/etc/cvmfs/keys'),
    })
    .prefault({}),
  commands: z
    .strictObject({ server: command.default(['cvmfs_server']), rsync: command.default(['cvmfs_rsync']) })
    .prefault({}),

  users: text.default('rsync://users.example.org/users/'),
  backup: text.default('rsync://backup.example.org/cvmfs/'),
  /** Address with a signed whitelist for each repository as REPO/.cvmfswhitelist; null: signed here with the master key. */
  whitelistAuthority: z
    .url({ protocol: /^https?$/ })
    .nullable()
    .default(null),
  /** A program that is given a repository's name and prints its signed whitelist; null: none. */
  whitelistSigner: command.nullable().default(null),
  /** A copy that would delete more than this share of what is there is refused; a person can force it. */
  deleteLimit: z.number().min(0).max(1).default(0.5),
  data: z.array(dataSchema).default([
    { name: 'gcd', source: 'rsync://data.example.org/gcd/', path: 'data/gcd', cron: '0 2 * * *' },
    { name: 'test_data', source: 'rsync://data.example.org/test-data/', path: 'data/test-data', cron: '30 2 * * *' },
    { name: 'tables', source: 'rsync://data.example.org/tables/', path: 'data/tables', cron: '45 2 * * *' },
  ]),
  /** When the clock starts what: cron with five fields, or six with seconds first. */
  clock: z
    .strictObject({
      nightly: cron.default('0 0 * * *'),
      nightlySpack: cron.default('0 3 * * *'),
      users: cron.default('0 * * * *'),
      whitelist: cron.default('0 3 * * *'),
      backup: cron.default('0 4 1 * *'),
      garbage: cron.default('0 5 * * *'),
    })
    .prefault({}),
});

/** What the rest of the site reads. */
export type Settings = z.output<typeof settingsSchema>;
/** What a settings file may hold. */
export type SettingsFile = z.input<typeof settingsSchema>;

/** Reads a settings file; without one, the defaults. Throws an error that names the file and every mistake in it. */
export function readSettings(file: string | undefined): Settings {
  const parsed = settingsSchema.safeParse(file === undefined ? {} : JSON.parse(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data;
  const mistakes = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'settings'}: ${issue.message}`);
  throw new Error(`${file ?? 'the default settings'}: ${mistakes.join('; ')}`);
}

export const settings = readSettings(process.env.ICEFALL_SETTINGS || undefined);
