import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

/** Source of the checker of accessibility, to be run inside a page. */
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const COLOURS = ['color-contrast', 'link-in-text-block'];

/** What people have: a desktop and a phone, by day and by night. By night only the colours differ. */
export const LOOKS = [
  { name: 'a desktop in light', rules: RULES, options: {} },
  { name: 'a desktop in dark', rules: COLOURS, options: { dark: true } },
  { name: 'a phone in light', rules: RULES, options: { width: 390, height: 844, phone: true } },
  { name: 'a phone in dark', rules: COLOURS, options: { width: 390, height: 844, phone: true, dark: true } },
] as const;

/** Lines of logs are denser than targets should be; the log's page has a field for the number of a line. */
const LINE_LINK = /href="[^"]*#L\d+"/;

/** Violations that axe-core finds, and a page that is wider than its window. */
export async function faultsOf(page: Page, rules: readonly string[]): Promise<string[]> {
  await page.evaluate(readFileSync(AXE, 'utf8'));
  const results = await page.evaluate(async (only): Promise<AxeResults> => {
    const { axe } = globalThis as typeof globalThis & { axe: { run(options: object): Promise<AxeResults> } };
    return axe.run({
      resultTypes: ['violations'],
      runOnly: [...only],
    });
  }, rules);
  const faults = results.violations.flatMap(({ id, nodes }) =>
    nodes
      .filter(({ html }) => id !== 'target-size' || !LINE_LINK.test(html))
      .map((node) => `${id}: ${node.target.join(' ')} ${node.any[0]?.message ?? node.all[0]?.message ?? ''}`),
  );
  const wide = Number(await page.evaluate('document.documentElement.scrollWidth - innerWidth'));
  return wide > 0 ? [...faults, `${wide} pixels wider than the window`] : faults;
}
