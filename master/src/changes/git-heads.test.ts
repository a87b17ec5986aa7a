import { describe, expect, test } from 'vitest';
import { compareHeads, parseRemoteHeads, wantedHeads } from './git-heads.ts';

const [a, b] = ['a'.repeat(40), 'b'.repeat(40)];
const text = `ref: refs/heads/main\tHEAD\n${a}\tHEAD\n${a}\trefs/heads/main\n${b}\trefs/heads/next/one\n`;
const remote = parseRemoteHeads(text);
const heads = (values: Record<string, string>) => new Map(Object.entries(values));

describe("a remote's branches", () => {
  test('are read with their default', () => {
    expect(remote).toEqual({ heads: heads({ main: a, 'next/one': b }), defaultBranch: 'main' });
  });

  test('may be none, and the default may not be there', () => {
    expect(parseRemoteHeads('')).toEqual({ heads: new Map(), defaultBranch: null });
    expect(parseRemoteHeads(`ref: refs/heads/gone\tHEAD\n${a}\trefs/heads/main\n`).defaultBranch).toBeNull();
    expect(parseRemoteHeads(`${a}\tHEAD\n${a}\trefs/heads/main\n`).defaultBranch).toBeNull();
  });

  test('are polled as declared: the named ones that are there, all, or the default', () => {
    expect([...wantedHeads(remote, ['next/one', 'gone']).keys()]).toEqual(['next/one']);
    expect([...wantedHeads(remote, true).keys()]).toEqual(['main', 'next/one']);
    expect([...wantedHeads(remote, null).keys()]).toEqual(['main']);
  });

  test('are polled by a pattern that is found at the beginning of their names, each time the same', () => {
    const patterns = [/next|nothing/g, /next\//, /(?!main$)/, /ai/];
    const found = [...patterns, ...patterns].map((pattern) => [...wantedHeads(remote, pattern).keys()].join(' '));
    expect(found).toEqual(['next/one', 'next/one', 'next/one', '', 'next/one', 'next/one', 'next/one', '']);
  });
});

describe('since the last poll', () => {
  test('branches that are new or somewhere else were pushed', () => {
    const seen = compareHeads(heads({ same: 'r1', moved: 'r1' }), heads({ new: 'r3', moved: 'r2', same: 'r1' }), false);
    expect(seen).toEqual({
      noted: [],
      moved: [
        { branch: 'moved', from: 'r1', to: 'r2' },
        { branch: 'new', from: null, to: 'r3' },
      ],
      gone: [],
    });
  });

  test('branches that are not there any more are forgotten', () => {
    expect(compareHeads(heads({ main: 'r1', old: 'r1' }), heads({ main: 'r1' }), false)).toEqual({
      noted: [],
      moved: [],
      gone: ['old'],
    });
  });

  test('branches met for the first time are only noted; known ones may have moved', () => {
    expect(compareHeads(heads({ main: 'r1' }), heads({ main: 'r2', next: 'r3' }), true)).toEqual({
      noted: ['next'],
      moved: [{ branch: 'main', from: 'r1', to: 'r2' }],
      gone: [],
    });
  });
});
