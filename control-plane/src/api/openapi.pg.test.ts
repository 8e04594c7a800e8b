import { Validator } from '@seriousme/openapi-schema-validator';
import type { Express } from 'express';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { arbitraryOf } from './testing/arbitrary-of-schema.ts';
import type { ApiAnswer } from './testing/call-api.ts';
import { askedApproval } from '../approvals/testing/ask.ts';
import { goodCalls } from './testing/good-calls.ts';
import { type NamedOperation, type OpenApi, OpenApiContract } from './testing/openapi-contract.ts';
import { type Served, basic, serve } from './testing/serve.ts';

let api: Served;
let contract: OpenApiContract;
beforeAll(async () => {
  api = await serve(await freshDatabase());
  contract = new OpenApiContract((await api.call('GET', '/api/openapi.json')).json as OpenApi);
});
afterAll(() => api.stop());

/** Calls the API, and holds the answer against the document. */
async function checked(method: string, url: string, body?: unknown, headers?: Record<string, string>) {
  const answer = await api.call(method, url, body, headers);
  contract.check(method, url, answer);
  return answer;
}

const isPublic = ({ operation }: NamedOperation): boolean => operation.security?.length === 0;
const pathOf = ({ path }: NamedOperation, name = 'none'): string => path.replaceAll('{name}', encodeURIComponent(name));

describe('the document at /api/openapi.json', () => {
  it('is good OpenAPI 3.1, and every schema in it is good JSON Schema', async () => {
    const validator = new Validator();
    const result = await validator.validate({ ...structuredClone(contract.document) });
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
    expect(validator.version).toBe('3.1');
    for (const schema of Object.values(contract.document.components.schemas)) contract.compile(schema);
    for (const { operation } of contract.operations) {
      const { responses, requestBody } = operation;
      for (const { content } of Object.values(responses))
        for (const { schema } of Object.values(content ?? {})) contract.compile(schema);
      if (requestBody) contract.compile(requestBody.content['application/json'].schema);
    }
  });

  it('has every route that the server has below /api, and no other', () => {
    const served = routesOf(api.plane.app).filter((route) => route.includes(' /api'));
    const documented = contract.operations.map(({ method, path }) => `${method} ${path}`);
    expect(served.sort()).toEqual(documented.sort());
    expect(documented.length).toBeGreaterThan(25);
  });

  it('has each operation’s id once', () => {
    const ids = contract.operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('needs a login', async () => {
    expect((await fetch(`${api.url}/api/openapi.json`)).status).toBe(401);
  });
});

/** `GET /api/secrets/{name}` of every route that Express was given. */
function routesOf(app: Express): string[] {
  return layersOf(app.router, '');
}

interface Layer {
  readonly route?: { readonly path: string | readonly string[]; readonly methods: Readonly<Record<string, boolean>> };
  readonly handle: { readonly stack?: readonly Layer[] };
  match(path: string): boolean;
}

function layersOf(router: unknown, mounted: string): string[] {
  return (router as { stack: readonly Layer[] }).stack.flatMap((layer) => {
    if (layer.route) {
      // `_all` is what answers 405 to every other method.
      const methods = Object.keys(layer.route.methods).filter((method) => method !== '_all');
      return [layer.route.path].flat().flatMap((path) => {
        const written = mounted + path.replaceAll(/:(\w+)/g, '{$1}');
        return methods.map((method) => `${method.toUpperCase()} ${written}`);
      });
    }
    if (!layer.handle.stack) return [];
    // Express keeps no text of where a router is mounted: it can only be asked whether it is.
    return layersOf(
      layer.handle,
      mounted + (layer.match('/nowhere') ? '' : layer.match('/api/nowhere') ? '/api' : '?'),
    );
  });
}

describe('every answer of the running server is as the document says', () => {
  it('when all is well', async () => {
    for (const [method, url, body] of goodCalls)
      expect((await checked(method, url, body)).status, `${method} ${url}`).toBeLessThan(300);
    await setPasswords();
    await decideApproval();
    await proveTrail();
    const request = { config: { agents: [{ name: 'planned' }] }, managedBy: 'files' };
    const { planHash } = (await checked('POST', '/api/plan', request)).json as { planHash: string };
    expect((await checked('POST', '/api/apply', { ...request, planHash })).status).toBe(200);
    const silent = contract.operations.filter(
      ({ operation }) =>
        !Object.keys(operation.responses).some(
          (status) => status < '3' && contract.seen.has(`${operation.operationId} ${status}`),
        ),
    );
    expect(silent.map(({ operation }) => operation.operationId)).toEqual([]);
  });

  async function decideApproval(): Promise<void> {
    expect((await checked('POST', '/api/secrets', { name: 'prod/asked', value: 'x' })).status).toBe(201);
    const id = await askedApproval(api, 'asking', 'prod/asked');
    for (const path of ['?state=PENDING&agent=asking', `/${id}`])
      expect((await checked('GET', `/api/approvals${path}`)).status).toBe(200);
    for (const [verb, body] of [['approve', { minutes: 5 }], ['end'], ['deny']] as const)
      expect((await checked('POST', `/api/approvals/${id}/${verb}`, body)).status, verb).toBe(200);
  }

  /** The tree grows within a second of a write. */
  async function proveTrail(): Promise<void> {
    const signedSize = async () =>
      ((await checked('GET', '/api/audit/trail')).json as { checkpoint: string | null }).checkpoint;
    await expect.poll(signedSize, { timeout: 20_000 }).not.toBeNull();
    const size = Number((await signedSize())?.split('\n')[1]);
    for (const proof of [`inclusion/${size}/0`, `consistency/${size}/1`])
      expect((await checked('GET', `/api/audit/trail/${proof}`)).status, proof).toBe(200);
  }

  /** A link sets a password, which is then changed and, at last, the user removed. */
  async function setPasswords(): Promise<void> {
    const { token } = (await checked('POST', '/api/users/ann/reset')).json as { token: string };
    const password = 'Wombat-Ofen-ann-7319';
    expect((await checked('POST', '/api/password', { token, password })).status).toBe(200);
    const change = { currentPassword: password, password: 'Wombat-Ofen-ann-7320' };
    expect((await checked('PUT', '/api/me/password', change, basic('ann', password))).status).toBe(204);
    expect((await checked('DELETE', '/api/users/ann')).status).toBe(204);
  }

  it('with an event in the trail', async () => {
    await api.database.query(
      `INSERT INTO audit_event (time, id, revision, worker, request_id, decision, reason, host, port, method, status, latency_ms, request_bytes, response_bytes, secrets, sealed_detail)
       VALUES (now(), 'w-b-1', 1, 'w', 'r', 'deny', 'POLICY_DENIED', 'a.example', 443, 'GET', 403, 1.5, 0, 0, '{prod/a@1}', '\\x00')`,
    );
    const { items } = (await checked('GET', '/api/audit')).json as { items: unknown[] };
    expect(items).toHaveLength(1);
  });

  it('without a login, which only what is public needs not', async () => {
    for (const operation of contract.operations) {
      const url = pathOf(operation);
      const { method } = operation;
      const answer = await checked(method, url, method === 'GET' ? undefined : {}, { authorization: '' });
      expect(answer.status === 401, `${method} ${url}`).toBe(!isPublic(operation));
    }
  });

  it('for a name that is not there, a query parameter and a field that are not known', async () => {
    for (const operation of contract.operations) {
      const { method, path } = operation;
      const url = pathOf(operation);
      const query = await checked(method, `${url}?surprise=1`, method === 'GET' ? undefined : {});
      expect({ method, path, status: query.status, field: fieldOf(query) }).toEqual({
        method,
        path,
        status: 400,
        field: 'surprise',
      });
      if (method !== 'GET') {
        const body = await checked(method, url, { surprise: 1 });
        expect({ method, path, status: body.status }).toEqual({ method, path, status: 400 });
      }
      if (path.includes('{name}') && method === 'GET') expect((await checked(method, url)).status).toBe(404);
      if (path.includes('{name}') && method === 'POST')
        expect((await checked(method, url, goodBodies[path])).status, path).toBe(404);
    }
  });

  const goodBodies: Readonly<Record<string, object>> = {
    '/api/secrets/{name}/rollback': { version: 1 },
    '/api/secrets/{name}/alias': {},
  };

  it('for names that are taken, and bodies that are no JSON, of another type, too large', async () => {
    await checked('POST', '/api/policies', { name: 'taken', agents: [], rules: [] });
    const taken = await checked('POST', '/api/policies', { name: 'taken', agents: [], rules: [] });
    expect(taken.status).toBe(409);
    for (const { method, path } of contract.operations.filter((each) => each.method !== 'GET')) {
      const url = path.replaceAll('{name}', 'x');
      expect((await checked(method, url, '{"a":')).status).toBe(400);
      expect((await checked(method, url, 'a=b', { 'content-type': 'text/plain' })).status).toBe(415);
    }
    expect((await checked('POST', '/api/secrets', `"${'x'.repeat(1024 * 1024)}"`)).status).toBe(413);
  });

  it('for whatever its schemas allow, and for what they do not', { timeout: 120_000 }, async () => {
    const { schemas } = contract.document.components;
    const name = fc.constantFrom('prod/a', 'prod/none', 'a', 'b', 'p', '..x', 'A B', '%00', '{name}', 'x'.repeat(200));
    for (const { method, path, operation } of contract.operations) {
      const bodySchema = operation.requestBody?.content['application/json'].schema;
      const good = bodySchema ? arbitraryOf(bodySchema, schemas) : fc.constant(undefined);
      const body = method === 'GET' ? fc.constant(undefined) : fc.oneof({ weight: 3, arbitrary: good }, fc.object());
      const query = fc.record(
        Object.fromEntries(
          operation.parameters
            .filter((parameter) => parameter.in === 'query')
            .map((parameter) => [parameter.name, arbitraryOf(parameter.schema, schemas)]),
        ),
        { requiredKeys: [] },
      );
      await fc.assert(
        fc.asyncProperty(name, query, body, async (subject, parameters, sent) => {
          const search = new URLSearchParams(
            Object.entries(parameters).map(([key, value]): [string, string] => [key, String(value)]),
          );
          const url = `${path.replaceAll('{name}', encodeURIComponent(subject))}?${search.toString()}`;
          const answer = await checked(method, url, sent);
          expect(answer.status).toBeLessThan(500);
        }),
        { numRuns: costly.has(operation.operationId) ? 5 : 25 },
      );
    }
  });
});

/** Each reads the whole trail, or computes a password. */
const costly: ReadonlySet<string> = new Set([
  'exportAudit',
  'exportAuditMacKey',
  'followAuditTrailVerification',
  'verifyAuditTrail',
]);

function fieldOf(answer: ApiAnswer): unknown {
  return (answer.json as { error?: { field?: string } }).error?.field;
}
