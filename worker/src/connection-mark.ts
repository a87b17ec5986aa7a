import { rmSync, writeFileSync } from 'node:fs';
import { messageOf } from './failure.ts';
import type { Logger } from './logger.ts';

/** A file that is there while the agent is connected to its master: what a container's health check looks at. */
export interface ConnectionMark {
  set(connected: boolean): void;
}

/** Takes away what an agent before left. A mark that cannot be made is logged: it stops no work. */
export function connectionMark(file: string, logger: Logger): ConnectionMark {
  const set = (connected: boolean) => {
    try {
      if (connected) writeFileSync(file, '');
      else rmSync(file, { force: true });
    } catch (error) {
      logger.warn(`the mark of the connection cannot be changed: ${messageOf(error)}`, { file });
    }
  };
  set(false);
  return { set };
}
