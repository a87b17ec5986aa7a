import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { extract } from 'tar';

const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'stock');

/** When the whitelist of the stock repository was valid. */
export const STOCK_TIME = new Date('2026-11-22T00:00:00Z');

/** The repository that the stock tools have made, unpacked. */
export interface StockRepository {
  readonly directory: string;
  readonly masterKey: string;
  remove(): void;
}

export function stockRepository(): StockRepository {
  const directory = mkdtempSync(join(tmpdir(), 'stratum0-stock-'));
  extract({ file: join(FIXTURES, 'repository.tgz'), cwd: directory, sync: true });
  return {
    directory: join(directory, 'sample.icefall.example'),
    masterKey: readFileSync(join(FIXTURES, 'sample.icefall.example.pub'), 'utf8'),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** A line of a listing, with one character a byte. */
export interface StockLine {
  readonly path: string;
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly links: number;
  readonly target: string | null;
  readonly content: string | null;
}

/** The tree as the stock client showed it at a tag. */
export function stockListing(tag: 'first' | 'second'): Map<string, StockLine> {
  const [names = '', sums = ''] = readFileSync(join(FIXTURES, `listing-${tag}.txt`), 'latin1').split(
    '# sha1 of contents\n',
  );
  const contents = new Map(
    sums
      .trimEnd()
      .split('\n')
      .map((line) => [line.slice(44), line.slice(0, 40)]),
  );
  const lines = names
    .trimEnd()
    .split('\n')
    .map((line): [string, StockLine] => {
      const [path = '', type = '', mode = '', uid, gid, size, mtime, links, target = ''] = line.split('\t');
      const content = contents.get(path) ?? null;
      return [
        path,
        {
          path,
          type,
          mode: Number.parseInt(mode, 8),
          uid: Number(uid),
          gid: Number(gid),
          size: Number(size),
          mtime: Math.floor(Number(mtime)),
          links: Number(links),
          target: type === 'l' ? target : null,
          content,
        },
      ];
    });
  return new Map(lines);
}
