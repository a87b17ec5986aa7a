import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { entryNameOf, filterOf, groupBelow, partsOf } from './names.ts';

fc.configureGlobal({ seed: 1 });

describe('a filter', () => {
  test.each([
    ['ada', '(uid=ada)'],
    ['*', '(uid=\\2a)'],
    ['a)(uid=*', '(uid=a\\29\\28uid=\\2a)'],
    ['a\\', '(uid=a\\5c)'],
    ['a\0b', '(uid=a\\00b)'],
    ['{dn}', '(uid={dn})'],
    ['$&', '(uid=$&)'],
  ])('takes %j as data', (name, filter) => {
    expect(filterOf('(uid={name})', { name, dn: 'cn=x' })).toBe(filter);
  });

  test('has no more parentheses or stars than its template, whatever somebody types', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (name) => {
        const filter = filterOf('(&(objectClass=person)(uid={name}))', { name });
        expect(filter.replace(/[^()*]/g, '')).toBe('(()())');
        expect(filter).not.toContain('\0');
      }),
    );
  });
});

describe('the name of an entry', () => {
  test('keeps what somebody types in the place of its template, as it was typed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), (name) => {
        const parts = partsOf(entryNameOf('uid={name},ou=people,dc=example', { name }));
        expect(parts).toEqual([
          { attribute: 'uid', value: name },
          { attribute: 'ou', value: 'people' },
          { attribute: 'dc', value: 'example' },
        ]);
      }),
    );
  });

  test('has only spaces around its parts that are not its own', () => {
    expect(partsOf(' uid = \u3000x , dc= y')).toEqual([
      { attribute: 'uid', value: '\u3000x' },
      { attribute: 'dc', value: 'y' },
    ]);
  });

  test.each(['', 'ada', 'uid=ada,,dc=x', '=ada'])('is not %j', (text) => {
    expect(partsOf(text)).toBeNull();
  });
});

describe('a group', () => {
  const place = 'ou=groups,dc=example,dc=org';
  test.each([
    ['cn=ops,ou=groups,dc=example,dc=org', 'ops'],
    ['CN=Ops,OU=Groups, DC=Example,DC=org', 'Ops'],
    ['cn=ops\\, nights,ou=groups,dc=example,dc=org', 'ops, nights'],
    ['cn=caf\\c3\\a9,ou=groups,dc=example,dc=org', 'café'],
    ['cn=ops,ou=mine,ou=groups,dc=example,dc=org', 'ops'],
    ['cn=ops,ou=others,dc=example,dc=org', null],
    ['cn=ops\\,ou=groups,dc=example,dc=org', null],
    ['ou=groups,dc=example,dc=org', null],
    ['ops', null],
  ])('%j below the place of groups is %j', (entry, name) => {
    expect(groupBelow(entry, place)).toBe(name);
  });
});
