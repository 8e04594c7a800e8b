import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import { AuditStore } from '../audit/audit-store.ts';
import { roles } from '../auth/actions.ts';
import { type Assignment, everywhere } from '../auth/principal.ts';
import { callAs, makeKey, makeUser, passwordOf } from '../auth/testing/people.ts';
import type { ApiAnswer } from './testing/call-api.ts';
import { firstOf } from './testing/first-of-subscription.ts';
import { graphqlSamples, restSamples } from './testing/matrix-samples.ts';
import type { OpenApi, Operation } from './testing/openapi-contract.ts';
import { type Served, serve } from './testing/serve.ts';
import { type RootField, documentOf, rootFields, runningSchema } from './testing/walk-schema.ts';

const file = fileURLToPath(new URL('../../../docs/access-matrix.md', import.meta.url));

/** `yes`, `-` refused by role, `401` no login, `?` the call was not good enough to tell: mend its sample. */
type Cell = 'yes' | '-' | '401' | '?';

let api: Served;
/** Who calls, in the order of the columns, each with the headers of his login. */
const callers = new Map<string, Record<string, string>>();
const rows: string[] = [];
const refusedOf = new Map<string, number>();
/** What the owner changed, by the id of the request. */
const changes = new Map<string, string>();
let calls = 0;

beforeAll(async () => {
  api = await serve(await freshDatabase());
  await seed();
  const limited = (role: Assignment['role']): readonly Assignment[] => [{ role, environments: ['staging'] }];
  callers.set('nobody', {});
  for (const role of roles) callers.set(role, await login(`everywhere-${role}`, everywhere(role)));
  for (const role of ['admin', 'operator', 'auditor'] as const)
    callers.set(`${role} of staging`, await login(`staging-${role}`, limited(role)));
  // Each of an owner of its own: what one is refused in a minute, with all his keys, is recorded up to a bound.
  const ownerOf = (key: string) => login(`owner-of-${key}`, everywhere('owner'));
  callers.set('key: all', await makeKey(api, await ownerOf('all'), { name: 'all' }));
  callers.set(
    'key: secret:read',
    await makeKey(api, await ownerOf('reader'), { name: 'reader', actions: ['secret:read'] }),
  );
  callers.set(
    'key: staging',
    await makeKey(api, await ownerOf('staging'), { name: 'staging', environments: ['staging'] }),
  );
}, 300_000);
afterAll(() => api.stop());

async function login(name: string, assignments: readonly Assignment[]): Promise<Record<string, string>> {
  await makeUser(api, name, assignments);
  const body = { user: name, password: passwordOf(name), token: true };
  const { token } = (await callAs(api, {}, 'POST', '/api/login', body)).json as { token: string };
  return { authorization: `Bearer ${token}` };
}

async function seed(): Promise<void> {
  const events = ['one', 'two'].map((id, place) => auditEvent(id, place));
  await new AuditStore(api.database, api.keys.keyring).insert(events);
  await makeUser(api, 'idle', everywhere('auditor'));
  await api.call('POST', '/api/agents', { name: 'bot' });
  for (const environment of ['prod', 'staging']) {
    const secret = `${environment}/k`;
    await api.call('POST', '/api/secrets', { name: secret, value: 'x' });
    const rules = [{ allow: { hosts: ['a.example'], secrets: [secret] } }];
    await api.call('POST', '/api/policies', { name: `p-of-${environment}`, agents: [], rules });
    const inject = [{ header: { name: 'x-key', template: '{secret}' } }];
    await api.call('POST', '/api/routes', { name: `r-of-${environment}`, secret, hosts: ['a.example'], inject });
  }
}

function auditEvent(id: string, place: number): AuditEvent {
  return {
    id,
    timeMs: Date.now() + place,
    worker: 'w',
    revision: 1,
    requestId: id,
    agentId: undefined,
    agent: 'bot',
    decision: 'allow',
    reason: 'ALLOWED',
    rule: undefined,
    host: 'a.example',
    port: 443,
    method: 'GET',
    path: '/',
    status: 200,
    latencyMs: 1,
    requestBytes: 0,
    responseBytes: 0,
    secrets: ['staging/k@1'],
    findings: [],
  };
}

interface Body {
  readonly error?: { readonly code: string };
  readonly data?: Readonly<Record<string, { errors?: { code: string }[] } | boolean | null>>;
  readonly errors?: readonly { readonly path?: unknown; readonly extensions: { readonly code: string } }[];
}

/** `isOpen`: anybody may call it, and a 401 is what it says of a password or a token in the body. */
function cellOf({ status, text, headers }: ApiAnswer, isOpen: boolean): Cell {
  // A stream is begun for those who may have it.
  if (status === 200 && headers['content-type']?.startsWith('application/jsonl')) return 'yes';
  const body = text === '' ? {} : (JSON.parse(text) as Body);
  const code = body.error?.code ?? body.errors?.[0]?.extensions.code;
  if (code === 'FORBIDDEN') return '-';
  if (status === 401 && !isOpen) return '401';
  const payload = Object.values(body.data ?? {})[0];
  const inner = typeof payload === 'object' && payload !== null ? payload.errors?.[0]?.code : undefined;
  return ['INVALID', 'BAD_USER_INPUT', 'GRAPHQL_VALIDATION_FAILED'].includes(inner ?? code ?? '') ? '?' : 'yes';
}

function hasChanged({ text, status }: ApiAnswer): boolean {
  return status < 300 && /"change":"(?:CREATED|UPDATED|DELETED)"/.test(text);
}

async function addRow(
  name: string,
  call: (headers: Record<string, string>) => Promise<ApiAnswer>,
  isOpen: (headers: Record<string, string>) => boolean = () => false,
): Promise<void> {
  // Who guesses passwords has to wait; here nobody guesses.
  await api.database.query('TRUNCATE login_limit');
  const cells: Cell[] = [];
  for (const [caller, headers] of callers) {
    const answer = await call(headers);
    if (caller === 'owner' && hasChanged(answer)) changes.set(answer.headers['x-request-id'] ?? '', name);
    const cell = cellOf(answer, isOpen(headers));
    if (cell === '-') refusedOf.set(caller, (refusedOf.get(caller) ?? 0) + 1);
    cells.push(cell);
  }
  expect(cells[1], `an owner may ${name}`).not.toBe('-');
  expect(cells, `whether ${name} is let through`).not.toContain('?');
  rows.push(`| ${[name, ...cells].join(' | ')} |`);
}

/** They answer 401 to a password that is not right. */
const asksPassword: ReadonlySet<string> = new Set(['changePassword', 'exportAuditMacKey']);

/** Arguments that name no object: they say how much, or when it is answered. */
const asides: ReadonlySet<string> = new Set(['after', 'first', 'filter', 'ifRevision', 'wait', 'timeoutMs']);
/** Of the whole instance, or of the caller, whatever their arguments are. */
const ofNoObject: ReadonlySet<string> = new Set(
  'auditTrailReport changePassword explain policyImpact secrets simulate trafficBy'.split(' '),
);

/** Whether a field names something that may be of one environment: not an agent, or a principal, or a part of the instance. */
function namesOfEnvironment({ name, args }: RootField['field']): boolean {
  if (ofNoObject.has(name) || args.every((arg) => asides.has(arg.name))) return false;
  return !/agent|user|apiKey|session|authorit|worker/i.test(name) || /secret|rotation|policy|route/i.test(name);
}

/** Whether an operation names something, or brings it, of a kind that may be of one environment. */
function bringsOfEnvironment(path: string, { requestBody, 'x-onecli-action': action = '' }: Operation): boolean {
  return /^(?:secret|rotation|policy|route):/.test(action) && (path.includes('{') || requestBody !== undefined);
}

const rowName = (text: string, variant: string): string => (variant === '' ? text : `${text} (${variant})`);

describe('who may do what', { timeout: 600_000 }, () => {
  it('is asked of every field that the running schema has, as everybody', async () => {
    for (const root of rootFields(await runningSchema(api))) {
      const { operation, field } = root;
      for (const [variant, sample] of Object.entries(graphqlSamples[field.name] ?? { '': () => ({}) }))
        await addRow(rowName(`\`${operation} ${field.name}\``, variant), async (headers) => {
          const given = await sample(api, calls++);
          // A payload tells its errors; whatever else there is, its type.
          const { query, variables } = documentOf(root, given, operation === 'mutation' ? 2 : 0);
          if (operation === 'subscription') return firstOf(api, headers, { query, variables });
          return callAs(api, headers, 'POST', '/graphql', { query, variables });
        });
    }
    expect(rows.length).toBeGreaterThan(40);
  });

  it('is asked of every REST route, as everybody', async () => {
    const { paths } = (await api.call('GET', '/api/openapi.json')).json as OpenApi;
    for (const [path, operations] of Object.entries(paths))
      for (const [method, { operationId, security }] of Object.entries(operations))
        for (const [variant, sample] of Object.entries(restSamples[operationId] ?? { '': () => ({}) }))
          await addRow(
            rowName(`\`${method.toUpperCase()} ${path}\``, variant),
            async (headers) => {
              const { params = {}, body } = await sample(api, calls++);
              const url = path.replaceAll(/\{(\w+)\}/g, (_, key: string) =>
                encodeURIComponent(String(params[key] ?? 'none')),
              );
              return callAs(api, operationId === 'logout' ? {} : headers, method.toUpperCase(), url, body);
            },
            ({ authorization }) =>
              security?.length === 0 || (asksPassword.has(operationId) && authorization !== undefined),
          );
  });

  it('is asked with something of each environment wherever an object is named that may be of one', async () => {
    const fields = rootFields(await runningSchema(api)).map(({ field }) => field);
    const { paths } = (await api.call('GET', '/api/openapi.json')).json as OpenApi;
    const operations = Object.entries(paths).flatMap(([path, ofPath]) =>
      Object.values(ofPath).filter((operation) => bringsOfEnvironment(path, operation)),
    );
    const asked = [
      ...fields.filter(namesOfEnvironment).map(({ name }) => [name, graphqlSamples[name]] as const),
      ...operations.map(({ operationId }) => [operationId, restSamples[operationId]] as const),
    ];
    expect(asked.length).toBeGreaterThan(40);
    const lacking = asked.filter(([, samples]) => !samples?.['prod'] || !samples['staging']);
    expect(lacking.map(([name]) => name)).toEqual([]);
  });

  it('is what docs/access-matrix.md says', async () => {
    const columns = [...callers.keys()];
    const lines = [
      '# Who may do what',
      '',
      'Made by a test, which asks every field of the running GraphQL schema and every REST route as everybody; it fails when an answer',
      'differs, or something is not here. `yes`: let through. `-`: refused (FORBIDDEN). `401`: needs a login. What is in brackets is what it',
      'was called with: a secret of that environment, or a policy or route of one. [What the roles mean](principals.md).',
      '',
      `| | ${columns.join(' | ')} |`,
      `| --- | ${columns.map(() => '---').join(' | ')} |`,
      ...rows,
      '',
    ];
    await expect(lines.join('\n')).toMatchFileSnapshot(file);
  });

  it('and every change of the owner is in the record', async () => {
    const found = await api.database.query<{ id: string }[]>(
      "SELECT DISTINCT request_id AS id FROM admin_event WHERE outcome = 'done' AND request_id = ANY ($1)",
      [[...changes.keys()]],
    );
    const recorded = new Set(found.map(({ id }) => id));
    expect([...changes].filter(([id]) => !recorded.has(id)).map(([, name]) => name)).toEqual([]);
    expect(new Set(changes.values()).size).toBeGreaterThan(20);
  });

  it('and every refusal is in the record, once', async () => {
    const names: Record<string, string> = {
      'key: all': 'key:all',
      'key: secret:read': 'key:reader',
      'key: staging': 'key:staging',
      ...Object.fromEntries(roles.map((role) => [role, `user:everywhere-${role}`])),
      ...Object.fromEntries(roles.map((role) => [`${role} of staging`, `user:staging-${role}`])),
    };
    for (const [caller, refused] of refusedOf) {
      const [row] = await api.database.query<{ count: string }[]>(
        `SELECT count(*) FROM admin_event WHERE principal = $1 AND outcome = 'refused' AND reason = 'FORBIDDEN'`,
        [names[caller]],
      );
      expect({ caller, recorded: Number(row?.count) }).toEqual({ caller, recorded: refused });
    }
  });
});
