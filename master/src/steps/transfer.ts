import { isAbsolute } from 'node:path';
import { formatBytes } from '@icefall/shared';
import { z } from 'zod';
import { defineStep, type StepKind } from './kind.ts';
import { endByExitCode } from './outcome.ts';
import type { StepEnd } from './step.ts';

const workerPath = z.string().min(1);
/** Words of a path may come from a property: they lead no higher than what stands before them. */
const masterPath = z
  .string()
  .min(1)
  .refine(isAbsolute, 'must be an absolute path on the master')
  .refine((path) => !path.split('/').includes('..') && !path.includes('\0'), 'must not hold .. or NUL');
const workdir = z.string().min(1).default('build');
const maxBytes = z.number().int().positive().nullable().default(null);
const flags = { haltOnFailure: true };

export interface UploadOptions {
  /** On the worker. */
  readonly from: string;
  /** Absolute, on the master. */
  readonly to: string;
  readonly workdir?: string;
  readonly maxBytes?: number | null;
  /** Link shown at the step. */
  readonly url?: string;
}
const uploadSchema = z.strictObject({
  from: workerPath,
  to: masterPath,
  workdir,
  maxBytes,
  url: z.string().optional(),
});
type Upload = z.output<typeof uploadSchema>;

function uploadKind(what: 'file' | 'directory'): StepKind<Upload> {
  return {
    name: what === 'file' ? 'uploadFile' : 'uploadDirectory',
    schema: uploadSchema,
    flags,
    begin: (options) => ({
      do: 'command',
      command: { kind: 'upload', source: options.from, what, workdir: options.workdir, maxBytes: options.maxBytes },
      transfer: { path: options.to, maxBytes: options.maxBytes },
    }),
    end(options, outcome): StepEnd {
      const end = endByExitCode(`upload of ${options.from}`, outcome);
      const bytes = outcome.values.bytes;
      if (end.result !== 'SUCCESS') return end;
      return {
        ...end,
        summary: `uploaded ${options.from}${typeof bytes === 'number' ? `, ${formatBytes(bytes)}` : ''}`,
        urls: options.url === undefined ? [] : [{ name: options.from, url: options.url }],
      };
    },
    describe: (options) => `upload ${options.from}`,
  };
}
/** Brings a file from the worker to the master. */
export const uploadFile = defineStep<Upload, UploadOptions>(uploadKind('file'));
/** Brings a directory, with modes and symlinks, from the worker to the master. */
export const uploadDirectory = defineStep<Upload, UploadOptions>(uploadKind('directory'));

export interface DownloadOptions {
  /** Absolute, on the master. */
  readonly from: string;
  /** On the worker. */
  readonly to: string;
  readonly workdir?: string;
}
export interface DownloadFileOptions extends DownloadOptions {
  /** Permission bits; default those of the master's file. */
  readonly mode?: number | null;
}
const directorySchema = z.strictObject({ from: masterPath, to: workerPath, workdir });
const fileSchema = directorySchema.extend({ mode: z.number().int().min(0).max(0o7777).nullable().default(null) });
type Download = z.output<typeof directorySchema> & { mode?: number | null };

function downloadKind(what: 'file' | 'directory'): StepKind<Download> {
  return {
    name: what === 'file' ? 'downloadFile' : 'downloadDirectory',
    schema: what === 'file' ? fileSchema : directorySchema,
    flags,
    begin: (options) => ({
      do: 'command',
      command: {
        kind: 'download',
        destination: options.to,
        what,
        workdir: options.workdir,
        mode: options.mode ?? null,
      },
      transfer: { path: options.from, maxBytes: null },
    }),
    end: (options, outcome) => endByExitCode(`download of ${options.to}`, outcome),
    describe: (options) => `download ${options.to}`,
  };
}
/** Brings a file from the master to the worker. */
export const downloadFile = defineStep<Download, DownloadFileOptions>(downloadKind('file'));
/** Brings a directory from the master to the worker. */
export const downloadDirectory = defineStep<Download, DownloadOptions>(downloadKind('directory'));
