import { describe, expect, test } from 'vitest';
import { triggerableScheduler } from '../config/schedulers.ts';
import { computed, interpolate, prop, source } from '../properties/references.ts';
import { propertiesFrom } from '../requests/buildsets.ts';
import { buildsetProperties } from './properties.ts';
import { linux } from './test-room.ts';

const sourceStamps = [{ codebase: '', repository: 'r', branch: 'main', revision: null, project: '' }];

describe('the properties of a buildset', () => {
  test('may be computed from those that win over them, from the site and from the source', () => {
    const declaration = triggerableScheduler({
      name: 's',
      builders: [linux],
      properties: {
        where: interpolate`${prop('host')}/${source('branch')}/${prop('variant')}`,
        list: computed(() => [1, 'two']),
      },
    });
    const later = propertiesFrom('Trigger', { variant: 'v1' });
    const site = propertiesFrom('Site', { host: 'h', variant: 'weak' });
    expect(buildsetProperties(declaration, { site, later, sourceStamps })).toEqual({
      where: { value: 'h/main/v1', source: 'Scheduler: s' },
      list: { value: [1, 'two'], source: 'Scheduler: s' },
      variant: { value: 'v1', source: 'Trigger' },
    });
  });

  test.each([
    ['is not set', prop('none'), /property "p".*"none" is not set/],
    ['throws', computed(() => fail('no luck')), /property "p".*no luck/],
    ['is not JSON', computed(() => undefined as never), /property "p".*not JSON/],
  ])('name the property whose value %s', (_title, value, message) => {
    const declaration = triggerableScheduler({ name: 's', builders: [linux], properties: { p: value } });
    expect(() => buildsetProperties(declaration, { site: {}, later: {}, sourceStamps })).toThrow(message);
  });
});

function fail(message: string): never {
  throw new Error(message);
}
