/**
 * Every line that may begin or end a group of a log, as it was written: `::group::`, `##[group]`, GitLab's sections, headers
 * of `---`, `+++` and `~~~`. The source of a regular expression for one line; who reads it decides what it means.
 */
export const LOG_MARKS = String.raw`^(?:\x1b\[[0-9;]*m)*(?:::(?:end)?group::|##\[(?:end)?group\]|(?:\x1b\[0K)?section_(?:start|end):\d|(?:---|\+\+\+|~~~) \S)`;
