import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MASK, ScrubbedStream, Scrubber } from './scrubber.ts';

fc.configureGlobal({ seed: 1 });

const SECRET = "pa55/w+rd&'hé";
const KEY = ['-----BEGIN KEY-----', 'bG9uZyBsaW5lIG51bWJlciBvbmU', 'c2hvcnQgbGluZQ', '-----END KEY-----', ''].join(
  '\n',
);
const percent = encodeURIComponent(SECRET);
const base64 = (text: string) => Buffer.from(text).toString('base64');
const hex = Buffer.from(SECRET).toString('hex');

function scrubbed(values: readonly string[], chunks: readonly Uint8Array[]): string {
  const stream = new ScrubbedStream(new Scrubber(values.map((value) => Buffer.from(value))));
  return Buffer.concat([...chunks.map((chunk) => stream.push(chunk)), stream.end()]).toString('utf8');
}

/** What of a text in a disguise gives the secret away. */
const DISGUISES: readonly (readonly [string, string])[] = [
  ['as it is', SECRET],
  ['in a failing command line', `sh: 1: curl -u x:${SECRET}: not found`],
  ['in an environment', `HOME=/root\nTOKEN=${SECRET}\nPATH=/bin`],
  ['in base64', base64(SECRET)],
  ['in base64 after one byte', base64(`:${SECRET}`)],
  ['in base64 after two bytes', base64(`u:${SECRET}:`)],
  ['in the base64 of URLs', Buffer.from(SECRET).toString('base64url')],
  ['in wrapped base64', (base64(`x`.repeat(50) + SECRET).match(/.{1,20}/g) ?? []).join('\n')],
  ['in a URL', `https://u:${percent}@host/`],
  ['in a URL, lower case', percent.replace(/%../g, (code) => code.toLowerCase())],
  ['in a strict URL', percent.replaceAll("'", '%27')],
  ['in JSON', JSON.stringify({ token: SECRET })],
  ['in HTML', `<b>${SECRET.replaceAll('&', '&amp;').replaceAll("'", '&#39;')}</b>`],
  ['quoted for a shell', `+ curl 'u:${SECRET.replaceAll("'", "'\\''")}'`],
  ['quoted for a shell with double quotes', `+ true '${SECRET.replaceAll("'", `'"'"'`)}'`],
  ['quoted by C', `$'${SECRET.replaceAll("'", "\\'")}'`],
  ['in hexadecimal digits', hex],
  ['in hexadecimal digits, upper case', hex.toUpperCase()],
  ['in groups of hexadecimal digits', (hex.match(/../g) ?? []).join(' ')],
  ['broken over lines', `${SECRET.slice(0, 5)}\r\n    ${SECRET.slice(5)}`],
];

/** Nine bytes in the middle, in every form: if these are gone, the secret is. */
const CORES = [
  '5/w+rd&',
  ...['', ':', 'u:'].map((before) => base64(`${before}${SECRET}`).slice(4, 12)),
  '5%2Fw%2Brd',
  '5%2fw%2brd',
  hex.slice(4, 18),
  hex.toUpperCase().slice(4, 18),
];

describe('a secret', () => {
  it.each(DISGUISES)('is not seen %s', (_name, text) => {
    const seen = scrubbed([SECRET], [Buffer.from(`before ${text} after\n`)]);
    const squeezed = seen.replace(/\s/g, '');
    expect(seen).toContain(MASK);
    expect(CORES.filter((core) => squeezed.includes(core))).toEqual([]);
    expect(seen).toMatch(/^before .*after\n$/s);
  });

  it.each(DISGUISES)('is not seen %s wherever the stream is cut', (_name, text) => {
    const bytes = Buffer.from(`before ${text} after\n`);
    const whole = scrubbed([SECRET], [bytes]);
    for (let at = 0; at <= bytes.length; at += 1)
      expect(scrubbed([SECRET], [bytes.subarray(0, at), bytes.subarray(at)])).toBe(whole);
    expect(
      scrubbed(
        [SECRET],
        [...bytes].map((byte) => Uint8Array.of(byte)),
      ),
    ).toBe(whole);
  });

  it('of many lines is not seen whole, nor by the line, nor behind prefixes', () => {
    const seen = scrubbed([KEY], [Buffer.from(`key:\n${KEY}\n${KEY.replaceAll('\n', '\n> ')}\nc2hvcnQgbGluZQ\n`)]);
    expect(seen).not.toMatch(/KEY|bG9uZ|c2hv/);
  });

  it('longer than a piece is not seen in part either', () => {
    const long = Array.from({ length: 100 }, (_, index) => `part${index}`).join('-');
    expect(scrubbed([long], [Buffer.from(`[${long}]`)])).toBe(`[${MASK}]`);
    expect(scrubbed([long], [Buffer.from(`[${long.slice(0, 64)}]`)])).toBe(`[${MASK}]`);
  });

  it('that overlaps another is not seen, nor the other', () => {
    expect(scrubbed(['abcdefgh', 'efghijkl'], [Buffer.from('-abcdefghijkl-')])).toBe(`-${MASK}-`);
    expect(scrubbed(['aaaaaaaa'], [Buffer.from(`-${'a'.repeat(20)}-`)])).toBe(`-${MASK}-`);
  });

  it('is taken from texts, lists and names of fields', () => {
    const scrubber = new Scrubber([Buffer.from('swordfish')]);
    const value = { a: ['x swordfish'], swordfish: { b: 'y', c: 1, d: null } };
    expect(scrubber.deep(value)).toEqual({ a: [`x ${MASK}`], [MASK]: { b: 'y', c: 1, d: null } });
  });
});

describe('what is no secret', () => {
  it('passes unchanged, in whatever pieces', () => {
    const chunks = fc.array(fc.uint8Array({ maxLength: 20 }));
    fc.assert(
      fc.property(chunks, (pieces) => {
        const stream = new ScrubbedStream(new Scrubber([Buffer.from('swordfish')]));
        const out = Buffer.concat([...pieces.map((piece) => stream.push(piece)), stream.end()]);
        expect(out.equals(Buffer.concat(pieces))).toBe(true);
      }),
    );
  });

  it('is held back only where a secret may begin', () => {
    const stream = new ScrubbedStream(new Scrubber([Buffer.from('swordfish')]));
    expect(stream.push(Buffer.from('a line\n')).toString()).toBe('a line\n');
    expect(stream.push(Buffer.from('two words\n')).toString()).toBe('two word');
    expect(stream.holdsLittle).toBe(true);
    expect(stream.passOnLittle().toString()).toBe('s\n');
    expect(stream.push(Buffer.from('wordfish!\n')).toString()).toBe(`${MASK}!\n`);
    expect(stream.push(Buffer.from('a sword')).toString()).toBe('a ');
    expect([stream.holdsLittle, stream.end().toString()]).toEqual([false, 'sword']);
  });

  it('is held back for a bounded time only, though nothing but blanks follow', () => {
    const stream = new ScrubbedStream(new Scrubber([Buffer.from('swordfish')]));
    expect(stream.push(Buffer.from(`sword${'\n'.repeat(64)}`)).length).toBe(69);
  });
});
