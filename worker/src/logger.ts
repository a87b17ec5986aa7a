/** A fact of an event: shown as `key=value`. */
type Fields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Where the agent tells what happens, one line an event. */
export interface Logger {
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

interface LoggerOptions {
  readonly json: boolean;
  readonly now: () => number;
  readonly write: (line: string) => void;
}

type Level = 'info' | 'warn' | 'error';

function plainValue(value: string | number | boolean | null): string {
  const text = String(value);
  return /[\s"=\\]/.test(text) || text === '' ? JSON.stringify(text) : text;
}

/** A message from outside must not be able to forge a second line. */
function oneLine(message: string): string {
  const lines = message.split(/[\r\n]+/);
  return lines.length === 1 ? message : lines.map((line) => line.trim()).join(' ');
}

export function createLogger(options: LoggerOptions): Logger {
  const emit = (level: Level, message: string, fields: Fields = {}) => {
    const time = new Date(options.now()).toISOString();
    const known = Object.entries(fields).filter(([, value]) => value !== undefined);
    if (options.json) {
      options.write(`${JSON.stringify({ time, level, message, ...Object.fromEntries(known) })}\n`);
      return;
    }
    const pairs = known.map(([name, value]) => ` ${name}=${plainValue(value ?? null)}`).join('');
    options.write(`${time} ${level.padEnd(5)} ${oneLine(message)}${pairs}\n`);
  };
  return {
    info: (message, fields) => emit('info', message, fields),
    warn: (message, fields) => emit('warn', message, fields),
    error: (message, fields) => emit('error', message, fields),
  };
}
