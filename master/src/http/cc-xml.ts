import type { Build, Builder, Result } from '@icefall/shared';

/** The format's words for results. */
const STATUS: Readonly<Record<Result, string>> = {
  SUCCESS: 'Success',
  WARNINGS: 'Success',
  SKIPPED: 'Success',
  FAILURE: 'Failure',
  EXCEPTION: 'Exception',
  RETRY: 'Exception',
  CANCELLED: 'Unknown',
};

/** Builders, each with its last finished build, in the format of CCTray. `url` is the master's. */
export function projectsXml(
  projects: readonly { readonly builder: Builder; readonly last: Build | null }[],
  url: string,
): string {
  const lines = projects.map(({ builder, last }) => {
    const attributes = {
      name: builder.name,
      activity: builder.runningBuilds > 0 ? 'Building' : 'Sleeping',
      lastBuildStatus: last?.result == null ? 'Unknown' : STATUS[last.result],
      ...(last === null ? {} : { lastBuildLabel: String(last.number) }),
      ...(last?.finishedAt == null ? {} : { lastBuildTime: new Date(last.finishedAt).toISOString() }),
      webUrl: `${url}/builders/${encodeURIComponent(builder.name)}`,
    };
    const text = Object.entries(attributes).map(([name, value]) => `${name}="${escapeXml(value)}"`);
    return `  <Project ${text.join(' ')}/>\n`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Projects>\n${lines.join('')}</Projects>\n`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for an element or an attribute. What XML cannot hold at all, such as most control characters, is left out. */
export function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
