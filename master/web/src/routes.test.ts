import { expect, test } from 'vitest';
import { parseRoute, paths } from './routes.ts';

test('every path that the page makes leads to its view', () => {
  expect(parseRoute(paths.waterfall)).toEqual({ view: 'waterfall' });
  expect(parseRoute(paths.build(7))).toEqual({ view: 'build', id: 7 });
  expect(parseRoute(paths.log(12))).toEqual({ view: 'log', id: 12 });
  expect(parseRoute(paths.request(3))).toEqual({ view: 'request', id: 3 });
  expect(parseRoute(paths.change(5))).toEqual({ view: 'change', id: 5 });
  for (const view of [
    'builders',
    'queue',
    'workers',
    'locks',
    'schedulers',
    'changes',
    'console',
    'grid',
    'about',
    'audit',
    'deliveries',
    'projects',
  ] as const)
    expect(parseRoute(paths[view])).toEqual({ view });
});

test('a builder with slashes, spaces and umlauts in its name keeps them', () => {
  const builder = 'Größe/x 100%';
  expect(parseRoute(paths.builder(builder))).toEqual({ view: 'builder', builder });
  expect(parseRoute(`${paths.builder(builder)}/builds/12`)).toEqual({ view: 'buildByNumber', builder, number: 12 });
});

test('what is no page is unknown and nothing else', () => {
  for (const path of ['/nope', '/builds/x', '/builds/1/steps', '/builders/a/b', '/builders/%', '/logs/-1', '/queue/1'])
    expect(parseRoute(path)).toEqual({ view: 'unknown', path });
});
