import { parseArgs } from 'node:util';

export const USAGE = `npm start: the whole site on this machine

  npm start -- [options]
  --once                 run the whole job once and end: 0 if all is green, else 1
  --port N               page and REST (default 8010)
  --worker-port N        for workers (default 9989)
  --stratum0-port N      HTTP server of the published repositories (default 8000)
  --rsync-port N         rsync daemon of the users' space (default 8730)
  --home DIR             where everything is kept (default $ICEFALL_HOME, or .icefall in the project);
                         a settings.local.json in it takes precedence over the site's settings
  --help`;

export interface Options {
  readonly once: boolean;
  readonly home: string | null;
  readonly ports: Ports;
}

/** All on 127.0.0.1. */
export interface Ports {
  readonly page: number;
  readonly workers: number;
  readonly stratum0: number;
  readonly rsync: number;
}

/** The option that sets each port, for messages. */
export const PORT_OPTIONS = {
  page: '--port',
  workers: '--worker-port',
  stratum0: '--stratum0-port',
  rsync: '--rsync-port',
} as const satisfies Record<keyof Ports, string>;

/** A mistake of the person who started the program. */
export class UsageError extends Error {}

/** Reads the command line; null asks for the usage. Throws {@link UsageError}. */
export function readOptions(args: readonly string[]): Options | null {
  const values = parse(args);
  if (values.help === true) return null;
  const ports = {
    page: port('--port', values.port, 8010),
    workers: port('--worker-port', values['worker-port'], 9989),
    stratum0: port('--stratum0-port', values['stratum0-port'], 8000),
    rsync: port('--rsync-port', values['rsync-port'], 8730),
  };
  if (new Set(Object.values(ports)).size < 4) throw new UsageError('the four ports must differ from each other');
  return { once: values.once ?? false, home: values.home ?? null, ports };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        once: { type: 'boolean' },
        port: { type: 'string' },
        'worker-port': { type: 'string' },
        'stratum0-port': { type: 'string' },
        'rsync-port': { type: 'string' },
        home: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
}

function port(option: string, text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65_535)
    throw new UsageError(`${option} must be a port from 1 to 65535, not "${text}"`);
  return value;
}
