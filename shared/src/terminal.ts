/**
 * Control sequences of terminals: colours and styles (CSI … m, in groups 1 to 3), links (OSC 8, address in group 4), and
 * every other one, which shows nothing.
 */
export const CONTROL_SEQUENCE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences begin with a control character.
  /\u001b\[([0-9;:?<=>]*)([ -/]*)([@-~])|\u001b\]8;[^;]*;([^\u0007\u001b]*)(?:\u0007|\u001b\\)|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[@-Z\\-_]|[\u0000-\u0008\u000b-\u001f\u007f]/g;

/** A line as a terminal leaves it: progress bars write over themselves, and only the last writing counts. */
export function afterReturns(line: string): string {
  let end = line.length;
  while (line[end - 1] === '\r') end -= 1;
  return line.slice(end === 0 ? 0 : line.lastIndexOf('\r', end - 1) + 1, end);
}

/** The text of a line alone, as people read, search and copy it. */
export function plainText(line: string): string {
  return afterReturns(line).replace(CONTROL_SEQUENCE, '');
}
