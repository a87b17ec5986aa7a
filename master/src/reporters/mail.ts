import { type Change, formatDuration, type SourceStamp } from '@icefall/shared';
import { isMailAddress, type MailReporter } from '../config/reporters.ts';
import { oneLine, type Report, verdictOf } from './report.ts';
import type { Mail } from './transport.ts';

/** Whom one mail is written to at most; those that the site names come first. */
const MOST_RECIPIENTS = 50;
/** Commits that are named; the page has the others. */
const MOST_COMMITS = 20;
const LONGEST_SUBJECT = 200;
/** What the site's function gives beyond it is cut. */
const LONGEST_BODY = 100_000;

/** The mail that tells of a build; null where it is for nobody. `isRestricted`: not everybody who signs in may view it. */
export function mailOf(
  reporter: MailReporter,
  report: Report,
  { password, isRestricted }: { readonly password: string | null; readonly isRestricted: boolean },
): Mail | null {
  const to = recipientsOf(reporter, report.changes, isRestricted);
  if (to.length === 0) return null;
  const { server, from, subject, body, name } = reporter;
  const { build, site } = report;
  const { password: _reference, ...plainServer } = server;
  return {
    via: 'mail',
    server: plainServer,
    password,
    from: { name: oneLine(site.title, LONGEST_SUBJECT), address: from },
    to,
    subject: oneLine(told('subject', subject ?? subjectOf, report), LONGEST_SUBJECT),
    text: cut(told('body', body ?? bodyOf, report)),
    messageId: `<icefall.${name}.${build.id}.${report.moment}.${new URL(site.url).hostname}@${from.replace(/.*@/, '')}>`,
    headers: {
      // RFC 3834: nobody's out-of-office answers it.
      'Auto-Submitted': 'auto-generated',
      'X-Icefall-Builder': oneLine(build.builder, LONGEST_SUBJECT),
      'X-Icefall-Result': build.result ?? build.state,
    },
  };
}

/** What a function of the site gives; programs without types may give anything. */
function told(what: string, make: (report: Report) => string, report: Report): string {
  const text: unknown = make(report);
  if (typeof text === 'string') return text;
  throw new Error(`${what}() gave ${JSON.stringify(text)}; it must give text`);
}

function cut(text: string): string {
  return text.length > LONGEST_BODY ? `${text.slice(0, LONGEST_BODY)}\n…` : text;
}

function recipientsOf(reporter: MailReporter, changes: readonly Change[], isRestricted: boolean): string[] {
  const { to, toAuthors, authors } = reporter;
  const mayTellAuthors = toAuthors && (!isRestricted || authors.ofRestricted);
  const all = [...to, ...(mayTellAuthors ? authorsOf(changes).map((author) => addressOf(reporter, author)) : [])];
  const byAddress = new Map(all.filter((one) => one !== null).map((one) => [one.toLowerCase(), one]));
  return [...byAddress.values()].slice(0, MOST_RECIPIENTS);
}

/** Everybody who wrote something of the changes. */
function authorsOf(changes: readonly Change[]): string[] {
  return [...new Set(changes.flatMap(({ author, commits }) => [author, ...commits.map((commit) => commit.author)]))];
}

/** Where an author is written to, if the site lets: whoever pushes can call themselves anything. */
function addressOf({ authors }: MailReporter, author: string): string | null {
  const found: unknown = authors.lookup?.(author) ?? null;
  if (found !== null) {
    if (typeof found === 'string' && isMailAddress(found)) return found;
    throw new Error(`lookup() gave ${JSON.stringify(found)}; it must give one mail address, or null`);
  }
  const address = /<([^<>]*)>\s*$/.exec(author)?.[1] ?? author;
  if (!isMailAddress(address)) return null;
  return authors.domains.includes(address.replace(/.*@/, '').toLowerCase()) ? address : null;
}

function subjectOf(report: Report): string {
  const { build, site } = report;
  const [stamp] = build.sourceStamps;
  const source = [stamp?.branch, stamp?.revision?.slice(0, 10)].filter((part) => part != null).join(' ');
  return `[${site.title}] ${build.builder} #${build.number} ${verdictOf(report)}${source === '' ? '' : ` (${source})`}`;
}

function bodyOf(report: Report): string {
  const { build, url, previous } = report;
  const took = formatDuration((build.finishedAt ?? build.startedAt) - build.startedAt);
  const before = previous === null ? '' : `, after ${previous}`;
  const lines = [
    `${build.builder} #${build.number} ${verdictOf(report)}: ${build.result ?? build.state}${before}, in ${took} on worker ${build.worker}.`,
    ...(build.summary === '' ? [] : [build.summary]),
    ...[url, '', `Why: ${build.reason}`],
    ...build.sourceStamps.map(sourceLine),
    ...changeLines(report.changes),
    ...failureLines(report),
  ];
  return `${lines.join('\n')}\n`;
}

function sourceLine({ repository, branch, revision }: SourceStamp): string {
  return `Source: ${repository}, ${branch ?? 'default branch'}${revision === null ? '' : `, ${revision}`}`;
}

function changeLines(changes: readonly Change[]): string[] {
  const commits = changes.flatMap((change) =>
    change.commits.length > 0
      ? change.commits
      : [{ revision: change.revision ?? '', author: change.author, message: change.message }],
  );
  if (commits.length === 0) return [];
  const lines = commits
    .slice(-MOST_COMMITS)
    .map(
      ({ revision, author, message }) =>
        `  ${revision.slice(0, 10)} ${oneLine(author, 100)}: ${oneLine(message.trim().split('\n', 1)[0] ?? '', 200)}`,
    );
  const more = commits.length - lines.length;
  return ['', 'Changes:', ...(more > 0 ? [`  (${more} older ones)`] : []), ...lines];
}

function failureLines({ failed }: Report): string[] {
  if (failed === null) return [];
  const { step, url, log } = failed;
  const head = [
    '',
    `Step "${step.name}" ended as ${step.result}${step.summary === '' ? '' : `: ${step.summary}`}`,
    url,
  ];
  if (log === null || log.lines.length === 0) return head;
  return [...head, '', `The end of its log "${log.name}" (${log.url}):`, '', ...log.lines.map((line) => `  ${line}`)];
}
