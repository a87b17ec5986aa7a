import type { Platform } from '@icefall/docker/platforms';
import type { RenderedFile } from '@icefall/docker/rendered';
import { stringify } from 'yaml';
import { masterObjects } from './master.ts';
import { labels, NAMESPACE, SETTINGS } from './names.ts';
import { type Kustomization, overlays } from './overlays.ts';
import { siteSettings } from './settings.ts';
import { siteObjects } from './site.ts';
import { stratum0Objects } from './stratum0.ts';
import { workerObjects } from './workers.ts';

/** Folders of k8s/ that hold nothing but rendered files. */
export const RENDERED_FOLDERS = ['k8s/base', 'k8s/overlays'] as const;

const NOTE = '# Rendered from k8s/*.ts and docker/platforms.ts by "icefall k8s render"; edit it there.\n';

/** Every manifest of a site with these platforms. */
export function renderedManifests(platforms: readonly Platform[]): RenderedFile[] {
  return [...base(platforms), ...overlays(platforms).flatMap(overlay)];
}

function base(platforms: readonly Platform[]): RenderedFile[] {
  const parts: Record<string, readonly object[]> = {
    site: siteObjects,
    master: masterObjects,
    stratum0: stratum0Objects,
    ...Object.fromEntries(platforms.map((platform) => [`worker-${platform.name}`, workerObjects(platform)])),
  };
  const kustomization = {
    ...KUSTOMIZATION,
    namespace: NAMESPACE,
    resources: Object.keys(parts).map((name) => `${name}.yaml`),
    // Under one name whatever is in it: a change is taken over by "icefall reload", without a restart.
    configMapGenerator: [{ name: SETTINGS, files: ['settings.json'], options: SETTINGS_OPTIONS }],
  };
  return [
    yamlFile('k8s/base/kustomization.yaml', kustomization),
    ...Object.entries(parts).map(([name, objects]) => yamlFile(`k8s/base/${name}.yaml`, ...objects)),
    { path: 'k8s/base/settings.json', text: `${JSON.stringify(siteSettings(platforms), null, 2)}\n` },
  ];
}

/** Applied with the master, which reads it. */
const SETTINGS_OPTIONS = { disableNameSuffixHash: true, labels: labels('master', 'master') };
const KUSTOMIZATION = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization' };

function overlay({
  name,
  comment,
  on,
  adds = {},
  changes = {},
  hasOtherNamespaces = false,
}: Kustomization): RenderedFile[] {
  const folder = `k8s/overlays/${name}`;
  const patches = Object.entries(changes).flatMap(([file, objects]) =>
    objects.map((object) => ({ path: `${file}-${nameOf(object)}.yaml`, object })),
  );
  const kustomization = {
    ...KUSTOMIZATION,
    // What is added belongs to the site as well.
    ...(hasOtherNamespaces ? {} : { namespace: NAMESPACE }),
    resources: [...on, ...Object.keys(adds).map((file) => `${file}.yaml`)],
    ...(patches.length === 0 ? {} : { patches: patches.map(({ path }) => ({ path })) }),
  };
  const head = yamlFile(`${folder}/kustomization.yaml`, kustomization);
  return [
    { ...head, text: `# ${comment}\n${head.text}` },
    ...Object.entries(adds).map(([file, objects]) => yamlFile(`${folder}/${file}.yaml`, ...objects)),
    ...patches.map(({ path, object }) => yamlFile(`${folder}/${path}`, object)),
  ];
}

function nameOf(object: object): string {
  return String(Reflect.get(Object(Reflect.get(object, 'metadata')), 'name'));
}

function yamlFile(path: string, ...objects: readonly object[]): RenderedFile {
  const texts = objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }));
  return { path, text: `${NOTE}${texts.join('---\n')}` };
}
