import { site } from '@icefall/master/config';
import { access } from './access.ts';
import { dataParts } from './data.ts';
import { assemble, type Part } from './parts.ts';
import { reporters } from './reporters.ts';
import { settings } from './settings.ts';
import { softwareParts } from './software.ts';
import { stratum0Parts } from './stratum0.ts';

/**
 * The whole site. Read on in settings.ts (what differs from place to place), docker/platforms.ts (the table of platforms),
 * software.ts, stratum0.ts and data.ts.
 *
 * A part of your own is a module that exports a {@link Part}; add it to this list. If its builder ends with
 * `triggerNeeds([{ part: publishSoftware, properties: { path: 'my/path' } }])`, what it made is published.
 */
const parts: readonly Part[] = [...softwareParts, ...stratum0Parts, ...dataParts];

export default site({
  title: settings.title,
  ...(settings.url === undefined ? {} : { url: settings.url }),
  timeZone: settings.timeZone,
  ...(access === null ? {} : { access }),
  reporters,
  ...assemble(parts),
});
