// Writes strict JSON schemas for kubeconform: those of Kubernetes from the PyPI package kubernetes-validate, and those
// of the given CRDs.
//
// usage: tools/kubernetes-schemas FOLDER KUBERNETES_SCHEMAS CRD.yaml ...
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

type Schema = Record<string, unknown>;

interface Crd {
  spec: {
    group: string;
    names: { kind: string };
    versions: { name: string; schema: { openAPIV3Schema: Schema & { properties: Schema } } }[];
  };
}

/** Forbids unknown fields. Kubernetes silently removes unknown fields, but in our manifests they are mistakes. */
function strict(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const schema = value as Schema;
  const openEnded = schema['x-kubernetes-preserve-unknown-fields'] || 'additionalProperties' in schema;
  if (typeof schema.properties === 'object' && !openEnded) schema.additionalProperties = false;
  for (const inner of Object.values(schema)) strict(inner);
}

function writeCrd(folder: string, { spec: { group, names, versions } }: Crd): void {
  for (const { name, schema } of versions) {
    const top = schema.openAPIV3Schema;
    strict(top);
    const meta = { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' } };
    Object.assign(top.properties, meta);
    const file = `${names.kind.toLowerCase()}-${group.split('.')[0]}-${name}.json`;
    writeFileSync(join(folder, file), JSON.stringify(top));
  }
}

const [folder, kubernetes, ...crds] = process.argv.slice(2);
for (const name of readdirSync(kubernetes).filter((name) => name.endsWith('.json'))) {
  const schema = JSON.parse(readFileSync(join(kubernetes, name), 'utf8')) as Schema;
  delete schema.$id;
  const text = JSON.stringify(schema).replaceAll('"/api/_definitions.json#', '"_definitions.json#');
  writeFileSync(join(folder, name), text);
}
for (const path of crds) {
  for (const document of parseAllDocuments(readFileSync(path, 'utf8'))) {
    const crd = document.toJS() as Crd | null;
    if (crd) writeCrd(folder, crd);
  }
}
