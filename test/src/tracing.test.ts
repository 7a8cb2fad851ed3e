import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { until } from './command.js';
import { ObservedCluster } from './observed-run.js';

const SPEC = `
version: 1
name: traced
protocol: { folds: 2, repeats: 1 }
estimators: { svm: { kind: svm } }
`;

interface Span {
  service: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  attributes: Record<string, unknown>;
}

interface Export {
  resourceSpans: {
    resource: { attributes: KeyValue[] };
    scopeSpans: { spans: (Omit<Span, 'service' | 'attributes'> & { attributes: KeyValue[] })[] }[];
  }[];
}
interface KeyValue {
  key: string;
  value: Record<string, unknown>;
}

const plain = (attributes: KeyValue[]) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

/** Starts a collector that receives OTLP over HTTP in JSON, as specified. */
const spans: Span[] = [];
let collector: Server;
let cluster: ObservedCluster;

before(async () => {
  collector = createServer(async (request, response) => {
    assert.equal(request.url, '/v1/traces');
    let body = '';
    for await (const chunk of request) body += chunk;
    for (const { resource, scopeSpans } of (JSON.parse(body) as Export).resourceSpans) {
      const service = String(plain(resource.attributes)['service.name']);
      for (const span of scopeSpans.flatMap((scope) => scope.spans)) {
        spans.push({ ...span, service, attributes: plain(span.attributes) });
      }
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  }).listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const { port } = collector.address() as AddressInfo;
  cluster = await ObservedCluster.start({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` });
});
after(async () => {
  await cluster?.stop();
  collector.close();
});

test('traces a run from its plan to the commit of each fold and to its results', async () => {
  const { code, stderr } = await cluster.run(SPEC);
  assert.equal(code, 0, stderr);
  const named = (name: string) => spans.filter((span) => span.name === name);
  await until(
    'all spans to arrive',
    () => named('commit').length === 2 && named('aggregate').length === 1 && named('run').length === 1,
  );
  const [run] = named('run');
  const ancestors = (span: Span): Span[] => {
    const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
    return parent ? [parent, ...ancestors(parent)] : [];
  };
  assert.equal(named('plan')[0].parentSpanId, run.spanId);
  await until('the spans in between to arrive', () =>
    [...named('commit'), ...named('aggregate')].every((span) => ancestors(span).includes(run)),
  );
  for (const span of named('commit')) {
    assert.equal(span.traceId, run.traceId);
    assert.equal(span.service, 'cryfold-worker');
    const { trial, repeat, attempt } = span.attributes;
    assert.deepEqual([trial, Number(repeat)], ['svm', 0]);
    assert.match(String(attempt), /^0-[0-9a-f]{12}$/);
    const services = new Set(ancestors(span).map(({ service }) => service));
    assert.deepEqual([...services], ['cryfold-worker', 'cryfold-coordinator', 'cryfold-run']);
  }
  assert.deepEqual(
    named('commit')
      .map(({ attributes }) => Number(attributes.fold))
      .sort(),
    [0, 1],
  );
  assert.equal(named('aggregate')[0].service, 'cryfold-aggregator');
});
