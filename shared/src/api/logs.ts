import { z } from 'zod';
import { id, time } from './scalars.ts';

export const logSchema = z.object({
  id,
  buildId: id,
  stepNumber: z.number().int(),
  name: z.string(),
  lines: z.number().int(),
  bytes: z.number().int(),
  complete: z.boolean(),
});
export type Log = z.infer<typeof logSchema>;

export const LOG_STREAMS = ['header', 'stdout', 'stderr'] as const;
const logLineSchema = z.object({
  /** From 0. */
  n: z.number().int(),
  stream: z.enum(LOG_STREAMS),
  /** When the line was written, by the worker's clock. */
  at: time,
  text: z.string(),
});
export type LogLine = z.infer<typeof logLineSchema>;
export const logLinesSchema = z.object({
  logId: id,
  first: z.number().int(),
  lines: z.array(logLineSchema),
  /** Lines in the log now. */
  total: z.number().int(),
  complete: z.boolean(),
});
export type LogLines = z.infer<typeof logLinesSchema>;

/** What a search in a log has found since the piece before. */
const logSearchPieceSchema = z.object({
  logId: id,
  /** Numbers of lines, rising, from 0. */
  hits: z.array(z.number().int()),
  /** The lines themselves, where they were asked for. */
  texts: z.array(z.string()).optional(),
  /** Line up to which (without it) the log was searched. */
  done: z.number().int(),
  /** The limit was reached: there may be more. */
  isFull: z.boolean(),
});
export type LogSearchPiece = z.infer<typeof logSearchPieceSchema>;
