// Prints a bill of materials in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/): npm run --silent sbom > sbom.json
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installedPackages } from './packages.ts';

/** What is installed, the same for the same lockfile: no time, no serial number. */
export function billOfMaterials(root: string): object {
  const { name, version }: { name: string; version: string } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  );
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: { type: 'application', name, version, licenses: [{ license: { id: 'MIT' } }] } },
    components: installedPackages(root).map((one) => ({
      type: 'library',
      'bom-ref': purlOf(one.name, one.version),
      name: one.name,
      version: one.version,
      purl: purlOf(one.name, one.version),
      licenses: [/ OR | AND /.test(one.licence) ? { expression: one.licence } : { license: { id: one.licence } }],
      hashes: [hashOf(one.integrity)],
    })),
  };
}

function purlOf(name: string, version: string): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

/** `sha512-BASE64`, as CycloneDX writes it. */
function hashOf(integrity: string): { alg: string; content: string } {
  const [algorithm = '', digest = ''] = integrity.split('-');
  return { alg: algorithm.replace('sha', 'SHA-'), content: Buffer.from(digest, 'base64').toString('hex') };
}

if (import.meta.main)
  process.stdout.write(`${JSON.stringify(billOfMaterials(join(import.meta.dirname, '..')), null, 2)}\n`);
