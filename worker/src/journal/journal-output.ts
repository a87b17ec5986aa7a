import type { Output } from '../processes/output.ts';
import type { Journal } from './journal.ts';

/** Output that is written to a journal, as soon as there is one: where the disk refused to hold it, it is let go. */
export function journalOutput(journal: () => Journal | null): Output {
  return {
    write: (stream: number, data: Uint8Array) => journal()?.append(stream, data),
    get congested() {
      return journal()?.congested ?? false;
    },
    whenRoom: (callback: () => void) => {
      const opened = journal();
      if (opened === null) callback();
      else opened.whenRoom(callback);
    },
  };
}
