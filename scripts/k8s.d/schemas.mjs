// Writes the JSON schemas that kubeconform reads, strict ones: Kubernetes' own from the PyPI package
// kubernetes-validate, and those of the CRDs given.
//
// usage: schemas.mjs FOLDER KUBERNETES_SCHEMAS CRD.yaml ...

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

/** Kubernetes prunes unknown fields silently; here they are mistakes. */
function strict(schema) {
  if (typeof schema !== 'object' || schema === null) return;
  const openEnded = schema['x-kubernetes-preserve-unknown-fields'] || 'additionalProperties' in schema;
  if (typeof schema.properties === 'object' && !openEnded) schema.additionalProperties = false;
  for (const value of Object.values(schema)) strict(value);
}

const [folder, kubernetes, ...crds] = process.argv.slice(2);
for (const name of readdirSync(kubernetes).filter((name) => name.endsWith('.json'))) {
  const schema = JSON.parse(readFileSync(join(kubernetes, name), 'utf8'));
  delete schema.$id;
  const text = JSON.stringify(schema).replaceAll('"/api/_definitions.json#', '"_definitions.json#');
  writeFileSync(join(folder, name), text);
}
for (const path of crds) {
  for (const document of parseAllDocuments(readFileSync(path, 'utf8'))) {
    const crd = document.toJS();
    if (!crd) continue;
    const { group, names, versions } = crd.spec;
    for (const { name, schema } of versions) {
      const top = schema.openAPIV3Schema;
      strict(top);
      const meta = { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' } };
      Object.assign(top.properties, meta);
      const file = `${names.kind.toLowerCase()}-${group.split('.')[0]}-${name}.json`;
      writeFileSync(join(folder, file), JSON.stringify(top));
    }
  }
}
