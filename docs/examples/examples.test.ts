import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSite } from '@icefall/master/config/loader';
import { describe, expect, test } from 'vitest';
import { blocksOf, DOCS, EXAMPLES, filled, textOf } from './blocks.ts';

const PAGES = readdirSync(DOCS).filter((name) => name.endsWith('.md'));
const pages = new Map(PAGES.map((name) => [name, readFileSync(join(DOCS, name), 'utf8')]));
/** Pages in which every block of TypeScript is a piece of an example. */
const REFERENCES = ['configuration.md', 'migration-from-buildbot.md'];
const OWN = ['blocks.ts', 'fill.ts'];
const examples = readdirSync(EXAMPLES).filter((name) => !OWN.includes(name) && /^[^.]+\.ts$/.test(name));

describe('the examples', () => {
  test.each(examples)('%s is a site without mistakes', async (name) => {
    const site = await loadSite(join(EXAMPLES, name));
    expect(site.builders).not.toEqual([]);
  });

  test.each(examples)('%s is in a page', (name) => {
    const sources = [...pages.values()].flatMap(blocksOf).map(({ source }) => source.split('#')[0]);
    expect(sources).toContain(`examples/${name}`);
  });
});

describe('the pages', () => {
  test.each(PAGES)('%s shows the examples as they are', (name) => {
    const page = pages.get(name) ?? '';
    for (const { line, source, text } of blocksOf(page))
      if (source !== '') expect(text, `docs/${name}:${line}; node docs/examples/fill.ts fills it`).toBe(textOf(source));
    expect(filled(page)).toBe(page);
  });

  test.each(REFERENCES)('%s has no TypeScript that nobody checks', (name) => {
    const loose = blocksOf(pages.get(name) ?? '').filter(({ source }) => source === '');
    expect(loose).toEqual([]);
  });

  test.each(PAGES)('%s names only files and headings that are there', (name) => {
    const targets = [...(pages.get(name) ?? '').matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(
      ([, target = '']) => target,
    );
    const broken = targets.filter((target) => !leadsSomewhere(name, target));
    expect(broken).toEqual([]);
  });
});

function leadsSomewhere(page: string, target: string): boolean {
  const [path = '', heading] = target.split('#');
  const file = path === '' ? page : path;
  if (!existsSync(join(DOCS, file))) return false;
  return heading === undefined || anchorsOf(readFileSync(join(DOCS, file), 'utf8')).includes(heading);
}

/** As code hosts make them of headings. */
function anchorsOf(page: string): string[] {
  return [...page.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
