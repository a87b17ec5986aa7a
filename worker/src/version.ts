/** Of the worker, as told to the master and by `--version`. */
export const WORKER_VERSION = '0.1.0';
