/** A shorter value cannot be told from ordinary words in a log: the master refuses it as a secret. */
const SHORTEST_FORM_BYTES = 6;
/** A long form is looked for in pieces: so a part of it is found too, and little has to be held back. */
const PIECE_BYTES = 64;

/** Bytes that are not looked at: a value may be wrapped, indented, or printed in groups. */
export function isBlank(byte: number): boolean {
  return byte === 0x0a || byte === 0x0d || byte === 0x20 || byte === 0x09;
}

/**
 * Every form in which a value is looked for, without blanks and in pieces: as it is, line by line, in base64 (at each of
 * the three places where it can begin in a longer text), in hexadecimal digits, and as URLs, JSON, HTML and shells quote it.
 */
export function piecesOf(value: Buffer): Buffer[] {
  const whole = trimmed(value);
  const forms = [whole, ...linesOf(whole)].flatMap((text) => [text, ...encoded(text), ...quoted(text)]);
  const pieces = forms.flatMap((form) => cut(withoutBlanks(form)));
  return [...new Map(pieces.map((piece) => [piece.toString('latin1'), piece])).values()];
}

function trimmed(value: Buffer): Buffer {
  let end = value.length;
  while (end > 0 && isBlank(value[end - 1] ?? 0)) end -= 1;
  return value.subarray(0, end);
}

function linesOf(value: Buffer): Buffer[] {
  const lines = value.toString('latin1').split(/[\r\n]+/);
  return lines.length === 1 ? [] : lines.map((line) => Buffer.from(line, 'latin1'));
}

function encoded(value: Buffer): Buffer[] {
  const hex = value.toString('hex');
  return [...[0, 1, 2].flatMap((before) => base64At(value, before)), hex, hex.toUpperCase()].map(latin);
}

/** The digits that the value alone decides, where `before` bytes come before it in their group of three. */
function base64At(value: Buffer, before: number): string[] {
  const digits = Buffer.concat([Buffer.alloc(before), value]).toString('base64');
  const inner = digits.slice(Math.ceil((8 * before) / 6), Math.floor((8 * (before + value.length)) / 6));
  return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
}

function quoted(value: Buffer): Buffer[] {
  const text = value.toString('utf8');
  // No text: programs that quote would not either.
  if (text.includes('�')) return [];
  const percent = encodeURIComponent(text);
  const strict = percent.replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const lower = (url: string) => url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
  const urls = [percent, strict, lower(percent), lower(strict)];
  const html = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
  // As bash, dash and `printf %q` write it.
  const quotes = ["'\\''", `'"'"'`, "\\'"].map((quote) => text.replaceAll("'", () => quote));
  const shell = [...quotes, text.replace(/[^\w@%+=:,./\s-]/g, '\\$&')];
  return [
    ...[...urls, ...urls.map((url) => url.replaceAll('%20', '+'))],
    ...[html, html.replaceAll("'", '&#39;'), html.replaceAll("'", '&#x27;')],
    ...[JSON.stringify(text).slice(1, -1), ...shell],
  ].map((form) => Buffer.from(form));
}

function latin(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

function withoutBlanks(form: Buffer): Buffer {
  return Buffer.from(form.filter((byte) => !isBlank(byte)));
}

function cut(form: Buffer): Buffer[] {
  if (form.length < SHORTEST_FORM_BYTES) return [];
  const pieces: Buffer[] = [];
  for (let at = 0; at < form.length; ) {
    const rest = form.length - at;
    const take = rest < PIECE_BYTES + SHORTEST_FORM_BYTES ? rest : PIECE_BYTES;
    pieces.push(form.subarray(at, at + take));
    at += take;
  }
  return pieces;
}
