import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { billOfMaterials } from './sbom.ts';
import { decidedBuilds, faultsOf, filesWithRegistry, supplyChainFaults } from './supply-chain.ts';

const root = join(import.meta.dirname, '..');
const one = { name: 'a', version: '1.0.0', licence: 'MIT', installScripts: [], integrity: 'sha512-AAAA' };

describe('a package', () => {
  it.each([
    ['MIT', 0],
    ['(MIT OR GPL-3.0)', 0],
    ['MIT AND GPL-3.0', 1],
    ['GPL-3.0', 1],
    ['', 1],
  ])('of the licence %j has %i faults', (licence, count) => {
    expect(faultsOf({ ...one, licence }, new Set())).toHaveLength(count);
  });

  it('that runs something when it is installed must be named', () => {
    const scripted = { ...one, installScripts: ['postinstall'] };
    expect(faultsOf(scripted, new Set())).toEqual([expect.stringMatching(/^a@1\.0\.0 runs postinstall/)]);
    expect(faultsOf(scripted, decidedBuilds('x: 1\nallowBuilds:\n  a: false\n  "@s/b": true\nz: 2\n'))).toEqual([]);
  });
});

it('what is installed here has no fault, and no file names a registry', () => {
  expect(supplyChainFaults(root)).toEqual([]);
  expect(filesWithRegistry(root)).toEqual([]);
});

it('the bill of materials names what is installed, with licence and digest, the same each time', () => {
  const bill = billOfMaterials(root);
  expect(bill).toEqual(billOfMaterials(root));
  expect(bill).toMatchObject({
    bomFormat: 'CycloneDX',
    components: expect.arrayContaining([
      expect.objectContaining({
        purl: expect.stringMatching(/^pkg:npm\/fastify@\d/),
        licenses: [{ license: { id: 'MIT' } }],
      }),
    ]),
  });
  const { components } = bill as { components: { hashes: { alg: string; content: string }[] }[] };
  expect(new Set(components.map(({ hashes }) => `${hashes[0]?.alg} ${hashes[0]?.content.length}`))).toEqual(
    new Set(['SHA-512 128']),
  );
});
