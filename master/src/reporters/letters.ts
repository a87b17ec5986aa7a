import type { Build, Properties } from '@icefall/shared';
import { Scrubber } from '@icefall/shared/secrets/scrubber';
import { secretText } from '@icefall/shared/secrets/secret-text';
import { grantsOf } from '../access/policy.ts';
import type { Changes } from '../changes/changes.ts';
import type { ReporterDeclaration } from '../config/reporters.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import type { BuildViews } from '../events/build-views.ts';
import type { LogStore } from '../logs/log-store.ts';
import { checkedOut } from '../requests/checked-out.ts';
import type { SecretReference } from '../secrets/reference.ts';
import { statusPost, targetsOf } from './commit-status.ts';
import { mailOf } from './mail.ts';
import { failedStepOf, type Report } from './report.ts';
import type { WaitingReport } from './report-rows.ts';
import { DeliveryError, type Letter } from './transport.ts';
import { webhookPost } from './webhook.ts';

/** Where letters get what they tell. */
export interface LetterRooms {
  readonly config: SiteConfig;
  readonly views: BuildViews;
  readonly changes: Changes;
  readonly logs: LogStore;
  /** The value of a secret that the site itself uses. Throws SecretError. */
  readonly secret: (name: string) => Promise<Buffer>;
  readonly now: () => number;
}

/** What is to be sent for one report, and how to take the secret with which it is sent out of what is said of it. */
export interface Letters {
  readonly letters: readonly Letter[];
  readonly scrub: (text: string) => string;
}

/** Writes the letters of a report, of the build as it is now. The secret they need is read for them, and not kept. */
export async function lettersOf(
  rooms: LetterRooms,
  reporter: ReporterDeclaration,
  waiting: WaitingReport,
): Promise<Letters> {
  const secret = await secretOf(rooms, reporter);
  const scrubber = new Scrubber(secret === null ? [] : [Buffer.from(secret)]);
  const report = scrubber.deep(reportOf(rooms, reporter, waiting));
  return { letters: written(rooms, reporter, report, secret), scrub: (text) => scrubber.text(text) };
}

async function secretOf(rooms: LetterRooms, reporter: ReporterDeclaration): Promise<string | null> {
  const reference = referenceOf(reporter);
  if (reference === null) return null;
  let value: Buffer;
  try {
    value = await rooms.secret(reference.name);
  } catch (error) {
    // Its words hold no value. Nothing goes out without it, so all wait for whoever mends it.
    throw new DeliveryError('down', error instanceof Error ? error.message : String(error), { cause: error });
  }
  const text = secretText(value);
  if (text === null || /[\r\n]/.test(text))
    throw new DeliveryError('down', `secret "${reference.name}" is not one line of text, which a reporter needs`);
  return text;
}

function referenceOf(reporter: ReporterDeclaration): SecretReference | null {
  switch (reporter.kind) {
    case 'mail':
      return reporter.server.password;
    case 'commitStatus':
      return reporter.token;
    case 'webhook':
      return reporter.secret;
  }
}

function reportOf(
  { config, views, changes, logs }: LetterRooms,
  reporter: ReporterDeclaration,
  { build_id: id, moment, previous }: WaitingReport,
): Report {
  const build = views.build(id);
  if (build === null) throw new DeliveryError('refused', `build ${id} is no longer on record`);
  const site = { title: config.site.title, url: (config.site.url ?? '').replace(/\/+$/, '') };
  const isBad = build.result === 'FAILURE' || build.result === 'EXCEPTION';
  return {
    ...{ site, moment, build, url: `${site.url}/builds/${id}`, previous },
    changes: build.changeIds.map((change) => changes.view(change)).filter((change) => change !== null),
    failed: isBad && reporter.kind === 'mail' ? failedStepOf(build, logs, site.url) : null,
  };
}

function written(
  rooms: LetterRooms,
  reporter: ReporterDeclaration,
  report: Report,
  secret: string | null,
): readonly Letter[] {
  switch (reporter.kind) {
    case 'mail': {
      const mail = mailOf(reporter, report, {
        password: secret,
        isRestricted: isRestricted(rooms.config, report.build),
      });
      return mail === null ? [] : [mail];
    }
    case 'commitStatus':
      // Of a build that has ended meanwhile its end is told, by the report that follows.
      if (report.moment === 'start' && report.build.result !== null) return [];
      return targetsOf(reporter, stampsOf(report.build)).map((target) =>
        statusPost(reporter, report, target, secret ?? ''),
      );
    case 'webhook':
      return [webhookPost(reporter, report, { secret: secret ?? '', now: rooms.now() })];
  }
}

function stampsOf({ sourceStamps, properties }: { sourceStamps: Build['sourceStamps']; properties: Properties }) {
  return sourceStamps.map((stamp) => checkedOut(stamp, properties.got_revision?.value));
}

/** Whether not everybody who signs in may view a build. Of a site that says nothing of access, nobody is kept from any. */
function isRestricted({ site }: SiteConfig, { builder }: Build): boolean {
  if (site.access === null) return false;
  const anybody = { kind: 'person', sessionId: null, person: { user: '', mail: null, groups: [] } } as const;
  return !grantsOf(site, anybody).may('view', builder);
}
