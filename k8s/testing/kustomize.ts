import { posix } from 'node:path';
import type { RenderedFile } from '@icefall/docker/rendered';
import { parse, parseAllDocuments } from 'yaml';

type Json = string | number | boolean | null | Json[] | JsonObject;
type JsonObject = { [key: string]: Json };

/** What a kustomization of ours may say; kustomize knows more. */
const KNOWN = ['apiVersion', 'kind', 'namespace', 'resources', 'patches', 'configMapGenerator'];
/** Kinds that are in no namespace. */
const CLUSTER_WIDE = ['Namespace', 'StorageClass'];
/** By what the elements of lists are told apart in a strategic merge (the API's `x-kubernetes-patch-merge-key`). */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  ...{ containers: 'name', initContainers: 'name', volumes: 'name', env: 'name', volumeMounts: 'mountPath' },
};
/** `ports` of a container and of a Service. */
const PORT_KEYS = ['containerPort', 'port'];

/**
 * The objects of a kustomization, put together as kustomize does it, as far as ours go; whatever else one says is refused.
 * So every overlay is checked where there is no kubectl, too; where there is one, the two are compared.
 */
export function kustomized(files: readonly RenderedFile[], folder: string): JsonObject[] {
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  return built(texts, folder);
}

function built(texts: ReadonlyMap<string, string>, folder: string): JsonObject[] {
  const read = (name: string) => {
    const path = posix.join(folder, name);
    const text = texts.get(path);
    if (text === undefined) throw new Error(`${folder}/kustomization.yaml names ${path}, which is not rendered`);
    return text;
  };
  const kustomization: JsonObject = parse(read('kustomization.yaml'));
  const unknown = Object.keys(kustomization).filter((key) => !KNOWN.includes(key));
  if (unknown.length > 0) throw new Error(`${folder}/kustomization.yaml: ${unknown.join(', ')} is not known here`);
  const resources = list(kustomization.resources).flatMap((name) =>
    String(name).endsWith('.yaml') ? documents(read(String(name))) : built(texts, posix.join(folder, String(name))),
  );
  const generated = list(kustomization.configMapGenerator).map((map) => configMap(object(map), read));
  let all = [...resources, ...generated];
  for (const { path } of list(kustomization.patches).map(object)) {
    const patch = documents(read(String(path)))[0] ?? {};
    const hits = all.filter((one) => identity(one) === identity(patch));
    if (hits.length !== 1) throw new Error(`${folder}/${path}: it fits ${hits.length} objects, ${identity(patch)}`);
    all = all.map((one) => (one === hits[0] ? object(merged(one, patch, '')) : one));
  }
  return all.map((one) => inNamespace(one, kustomization.namespace));
}

function documents(text: string): JsonObject[] {
  return parseAllDocuments(text).map((document) => document.toJS());
}

function configMap({ name = null, files, options }: JsonObject, read: (name: string) => string): JsonObject {
  const labels = Object.fromEntries(Object.entries(object(options)).filter(([option]) => option === 'labels'));
  const data = Object.fromEntries(list(files).map((file) => [String(file), read(String(file))]));
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...labels }, data };
}

function inNamespace(one: JsonObject, namespace: Json | undefined): JsonObject {
  if (namespace === undefined || CLUSTER_WIDE.includes(String(one.kind))) return one;
  return { ...one, metadata: { ...object(one.metadata), namespace } };
}

function identity({ apiVersion, kind, metadata }: JsonObject): string {
  return `${apiVersion} ${kind} ${object(metadata).name}`;
}

/** A strategic merge: of objects key by key, of lists element by element where these have a key; else the patch wins. */
function merged(base: Json | undefined, patch: Json, name: string): Json {
  if (Array.isArray(patch)) {
    const key = keyOf(name, patch);
    return key === null || !Array.isArray(base) ? patch : mergedLists(base.map(object), patch.map(object), key);
  }
  if (typeof patch !== 'object' || patch === null) return patch;
  const { $patch: directive, ...rest } = patch;
  if (directive !== undefined && directive !== 'replace') throw new Error(`$patch: ${directive} is not known here`);
  const so: JsonObject = directive === 'replace' ? {} : { ...object(base) };
  for (const [key, value] of Object.entries(rest)) {
    if (value === null) delete so[key];
    else so[key] = merged(so[key], value, key);
  }
  return so;
}

function mergedLists(base: readonly JsonObject[], patch: readonly JsonObject[], key: string): Json[] {
  const isNew = (one: JsonObject) => !base.some((other) => other[key] === one[key]);
  const changed = base.map((one) => {
    const change = patch.find((other) => other[key] === one[key]);
    return change === undefined ? one : merged(one, change, '');
  });
  return [...patch.filter(isNew), ...changed];
}

function keyOf(name: string, elements: readonly Json[]): string | null {
  const first = object(elements[0]);
  return name === 'ports' ? (PORT_KEYS.find((key) => key in first) ?? null) : (MERGE_KEYS[name] ?? null);
}

function list(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

function object(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}
