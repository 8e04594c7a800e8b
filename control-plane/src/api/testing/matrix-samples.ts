import { createAuthority } from '@onecli/shared/certificates/authority';
import { everywhere } from '../../auth/principal.ts';
import { askedApproval } from '../../approvals/testing/ask.ts';
import { callAs } from '../../auth/testing/people.ts';
import type { Served } from './serve.ts';

type Values = Readonly<Record<string, unknown>>;
/** Makes what a call needs, for this call alone (`n` is its number), and gives its arguments. */
export type Sample = (api: Served, n: number) => Promise<Values> | Values;

/** What is given as the value of a secret: no answer may have it. */
export const sampleValue = 'sk-Canary41d7ValueThatMustNotComeOut';

const own = createAuthority({ commonName: 'Brought', validDays: 1 });
const brought = { certificate: own.certificatePem, privateKey: own.privateKeyPem };
const inject = [{ header: { name: 'x-key', template: '{secret}' } }];
const graphqlInject = inject;

async function made(api: Served, path: string, body: object): Promise<void> {
  const answer = await api.call('POST', path, body);
  if (answer.status !== 201) throw new Error(`${path}: ${answer.text}`);
}

const secret = (environment: string) => async (api: Served, n: number) => {
  const name = `${environment}/s-${n}`;
  await made(api, '/api/secrets', { name, value: sampleValue });
  return { name };
};
const agent: Sample = async (api, n) => {
  const name = `a-${n}`;
  await made(api, '/api/agents', { name });
  return { name };
};
/** One that is known by a certificate. */
const certified: Sample = async (api, n) => {
  const name = `a-${n}`;
  await made(api, '/api/agents', { name, identities: [{ mtls: { commonName: name } }] });
  return { name };
};
/** A secret with an older version. */
const versioned = (environment: string) => async (api: Served, n: number) => {
  const given = await secret(environment)(api, n);
  await api.call('PUT', `/api/secrets/${encodeURIComponent(given.name)}`, { value: `${sampleValue}-2` });
  return given;
};
/** What names the older one. */
const ofVersion = (environment: string) => async (api: Served, n: number) => ({
  ...(await versioned(environment)(api, n)),
  version: 1,
});
const policy = (environment: string) => async (api: Served, n: number) => {
  const name = `p-${n}`;
  const rules = [{ allow: { hosts: ['a.example'], secrets: [`${environment}/k`] } }];
  await made(api, '/api/policies', { name, agents: [], rules });
  return { name };
};
const asked = (environment: string) => async (api: Served, n: number) => ({
  id: await askedApproval(api, `asking-${n}`, `${environment}/k`),
});
const route = (environment: string) => async (api: Served, n: number) => {
  const name = `r-${n}`;
  await made(api, '/api/routes', { name, secret: `${environment}/k`, hosts: ['a.example'], inject });
  return { name };
};
const user: Sample = async (api, n) => {
  const name = `u-${n}`;
  await made(api, '/api/users', { name, roles: everywhere('auditor') });
  return { name };
};
const apiKey: Sample = async (api, n) => {
  const name = `k-${n}`;
  await made(api, '/api/api-keys', { name });
  return { name };
};
const session: Sample = async (api) => {
  const { password } = { password: 'Wombat-Ofen-idle-7319' };
  const answer = await callAs(api, {}, 'POST', '/api/login', { user: 'idle', password });
  return { id: (answer.json as { session: string }).session };
};
const passwords: Sample = () => ({ currentPassword: 'not the password', password: 'Wombat-Ofen-new-7319' });

/** The cursor of an event after which there is another. */
function firstEvent(argument: string): Sample {
  return async (api) => {
    const { data } = await api.graphql('{ auditEvents { edges { cursor } } }');
    const events = data?.['auditEvents'] as { edges: { cursor: string }[] } | undefined;
    return { [argument]: events?.edges.at(-1)?.cursor };
  };
}

const rules = (environment: string) => [{ allow: { hosts: ['b.example'], secrets: [`${environment}/k`] } }];
const graphqlRoute = (environment: string) => (n: number) => ({
  name: `r-${n}`,
  secret: `${environment}/k`,
  hosts: ['b.example'],
  inject: graphqlInject,
});

/** Rows that one field has, by what it is called with; a field that is not here has one row, with arguments that are made up. */
export const graphqlSamples: Readonly<Record<string, Readonly<Record<string, Sample>>>> = {
  ...byEnvironment('secret', (environment) => () => ({ name: `${environment}/k` })),
  ...byEnvironment('policy', (environment) => () => ({ name: `p-of-${environment}` })),
  ...byEnvironment('route', (environment) => () => ({ name: `r-of-${environment}` })),
  ...byEnvironment('rotateSecret', (environment) => async (api, n) => ({
    ...(await secret(environment)(api, n)),
    value: `${sampleValue}-2`,
  })),
  ...byEnvironment('upsertSecret', (environment) => (_, n) => ({
    input: { name: `${environment}/n-${n}`, value: sampleValue },
  })),
  ...byEnvironment('rotation', (environment) => () => ({ secret: `${environment}/k` })),
  ...byEnvironment('rotationRuns', (environment) => () => ({ secret: `${environment}/k` })),
  ...byEnvironment('setRotation', (environment) => () => ({ secret: `${environment}/k`, recipe: { generate: {} } })),
  ...byEnvironment('deleteRotation', (environment) => () => ({ secret: `${environment}/none` })),
  ...byEnvironment('runRotation', (environment) => () => ({ secret: `${environment}/none` })),
  ...byEnvironment('cancelRotation', (environment) => () => ({ secret: `${environment}/none` })),
  ...byEnvironment('deleteSecret', secret),
  ...byEnvironment('secretVersions', (environment) => () => ({ name: `${environment}/k` })),
  ...byEnvironment('secretDependents', (environment) => () => ({ name: `${environment}/k` })),
  ...byEnvironment('rollBackSecret', ofVersion),
  ...byEnvironment('destroySecretVersion', ofVersion),
  ...byEnvironment('rotateSecretAlias', (environment) => async (api, n) => ({
    ...(await secret(environment)(api, n)),
    prefix: 'sk-',
  })),
  ...byEnvironment('upsertPolicy', (environment) => (_, n) => ({
    input: { name: `p-${n}`, agents: [], rules: rules(environment) },
  })),
  ...byEnvironment('deletePolicy', policy),
  ...byEnvironment('approvals', (environment) => async (api, n) => {
    await asked(environment)(api, n);
    return {};
  }),
  ...byEnvironment('approval', asked),
  ...byEnvironment('approve', asked),
  ...byEnvironment('deny', asked),
  ...byEnvironment('endApproval', asked),
  ...byEnvironment('upsertRoute', (environment) => (_, n) => ({ input: graphqlRoute(environment)(n) })),
  ...byEnvironment('deleteRoute', route),
  plan: plans((config) => ({ config })),
  apply: plans((config) => ({ config, planHash: '0'.repeat(64) })),
  agent: { '': () => ({ name: 'bot' }) },
  upsertAgent: { '': (_, n) => ({ input: { name: `a-${n}` } }) },
  deleteAgent: { '': agent },
  rotateAgent: { '': agent },
  issueAgentCertificate: { '': certified },
  simulate: {
    '': () => ({
      agent: 'bot',
      url: 'https://a.example/',
      headers: [{ name: 'x-key', value: 'Bearer onecli://prod/k' }],
    }),
  },
  user: { '': () => ({ name: 'idle' }) },
  inviteUser: { '': (_, n) => ({ input: { name: `u-${n}`, roles: [{ role: 'AUDITOR', environments: ['*'] }] } }) },
  updateUser: { '': async (api, n) => ({ ...(await user(api, n)), input: { isDisabled: true } }) },
  resetUser: { '': user },
  deleteUser: { '': user },
  sessions: { own: () => ({}), 'another’s': () => ({ user: 'idle' }) },
  revokeSession: { 'another’s': session },
  apiKeys: { own: () => ({}), 'everybody’s': () => ({ all: true }) },
  createApiKey: {
    'a reader of staging': (_, n) => ({
      input: {
        name: `k-${n}`,
        roles: [{ role: 'AUDITOR', environments: ['staging'] }],
        actions: ['SECRET_READ'],
        environments: ['staging'],
      },
    }),
  },
  policyImpact: { '': () => ({ remove: 'p-of-prod' }) },
  explain: { '': firstEvent('auditEvent') },
  auditEventWritten: { '': firstEvent('after') },
  revisionCommitted: { '': () => ({ after: 0 }) },
  apiKey: { 'another’s': apiKey },
  revokeApiKey: { 'another’s': apiKey },
  changePassword: { '': passwords },
  importAuthority: { '': () => ({ input: brought }) },
};

/** A configuration that grants what is there already to nobody more. */
function plans(call: (config: object) => Values): Record<string, Sample> {
  const config = (environment: string) => ({
    policies: [{ name: `p-of-${environment}`, agents: [{ labels: { environment } }], rules: rules(environment) }],
  });
  const ofAnyAgent = { policies: [{ name: 'p-of-staging', agents: ['bot'], rules: rules('staging') }] };
  return {
    prod: () => call(config('prod')),
    staging: () => call(config('staging')),
    'staging, for any agent': () => call(ofAnyAgent),
  };
}

function byEnvironment(field: string, sample: (environment: string) => Sample) {
  return { [field]: { prod: sample('prod'), staging: sample('staging') } };
}

function inBodies(samples: Record<string, Sample>): Record<string, RestSample> {
  return Object.fromEntries(
    Object.entries(samples).map(([variant, sample]) => [
      variant,
      async (api: Served, n: number) => ({ body: await sample(api, n) }),
    ]),
  );
}

/** Of a REST operation: what stands in its path, and its body. */
export type RestSample = (
  api: Served,
  n: number,
) => Promise<{ params?: Values; body?: unknown }> | { params?: Values; body?: unknown };

const named =
  (sample: Sample, body?: unknown): RestSample =>
  async (api, n) => ({ params: await sample(api, n), body });
const rest = (field: string, sample: (environment: string) => RestSample) => ({
  [field]: { prod: sample('prod'), staging: sample('staging') },
});

/** The same for operations of REST, by their ids. */
export const restSamples: Readonly<Record<string, Readonly<Record<string, RestSample>>>> = {
  getAuditInclusionProof: { '': () => ({ params: { size: 1, index: 0 } }) },
  getAuditConsistencyProof: { '': () => ({ params: { size: 1, first: 1 } }) },
  ...rest('getSecret', (environment) => () => ({ params: { name: `${environment}/k` } })),
  ...rest('createSecret', (environment) => (_, n) => ({ body: { name: `${environment}/n-${n}`, value: sampleValue } })),
  ...rest('putSecret', (environment) => named(secret(environment), { binding: { hosts: ['evil.example'] } })),
  ...rest('getRotation', (environment) => () => ({ params: { name: `${environment}/k` } })),
  ...rest('putRotation', (environment) => named(secret(environment), { generate: {} })),
  ...rest('deleteRotation', (environment) => () => ({ params: { name: `${environment}/none` } })),
  ...rest('runRotation', (environment) => () => ({ params: { name: `${environment}/none` } })),
  ...rest('cancelRotation', (environment) => () => ({ params: { name: `${environment}/none` } })),
  ...rest('listRotationRuns', (environment) => () => ({ params: { name: `${environment}/k` } })),
  ...rest('listSecretVersions', (environment) => () => ({ params: { name: `${environment}/k` } })),
  ...rest('rollBackSecret', (environment) => named(versioned(environment), { version: 1 })),
  ...rest('destroySecretVersion', (environment) => named(ofVersion(environment))),
  ...rest('rotateSecretAlias', (environment) => named(secret(environment), { prefix: 'sk-' })),
  ...rest('listSecretDependents', (environment) => () => ({ params: { name: `${environment}/k` } })),
  ...rest('deleteSecret', (environment) => named(secret(environment))),
  ...rest('getPolicy', (environment) => () => ({ params: { name: `p-of-${environment}` } })),
  ...rest('createPolicy', (environment) => (_, n) => ({
    body: { name: `p-${n}`, agents: [{ labels: { environment } }], rules: rules(environment) },
  })),
  ...rest('replacePolicy', (environment) => named(policy(environment), { agents: [], rules: rules(environment) })),
  ...rest('deletePolicy', (environment) => named(policy(environment))),
  ...rest('getApproval', (environment) => named(asked(environment))),
  ...rest('approve', (environment) => named(asked(environment), {})),
  ...rest('deny', (environment) => named(asked(environment))),
  ...rest('endApproval', (environment) => named(asked(environment))),
  ...rest('getRoute', (environment) => () => ({ params: { name: `r-of-${environment}` } })),
  ...rest('createRoute', (environment) => (_, n) => ({ body: graphqlRoute(environment)(n) })),
  ...rest('replaceRoute', (environment) =>
    named(route(environment), { secret: `${environment}/k`, hosts: ['b.example'], inject }),
  ),
  ...rest('deleteRoute', (environment) => named(route(environment))),
  getAgent: { '': () => ({ params: { name: 'bot' } }) },
  createAgent: { '': (_, n) => ({ body: { name: `a-${n}` } }) },
  putAgent: { '': named(agent, { disabled: true }) },
  deleteAgent: { '': named(agent) },
  rotateAgentToken: { '': named(agent) },
  issueAgentCertificate: { '': named(certified, {}) },
  disableAgent: { '': named(agent) },
  enableAgent: { '': named(agent) },
  getUser: { '': () => ({ params: { name: 'idle' } }) },
  inviteUser: { '': (_, n) => ({ body: { name: `u-${n}`, roles: everywhere('auditor') } }) },
  updateUser: { '': named(user, { disabled: true }) },
  resetUser: { '': named(user) },
  deleteUser: { '': named(user) },
  createApiKey: {
    'a reader of staging': (_, n) => ({
      body: {
        name: `k-${n}`,
        roles: [{ role: 'auditor', environments: ['staging'] }],
        actions: ['secret:read'],
        environments: ['staging'],
      },
    }),
  },
  getApiKey: { 'another’s': named(apiKey) },
  revokeApiKey: { 'another’s': named(apiKey) },
  revokeSession: { 'another’s': named(session) },
  exportAuditMacKey: { '': () => ({ body: { password: 'not the password' } }) },
  changePassword: { '': async (api, n) => ({ body: await passwords(api, n) }) },
  plan: inBodies(plans((config) => ({ config }))),
  apply: inBodies(plans((config) => ({ config, planHash: '0'.repeat(64) }))),
  importAuthority: { '': () => ({ body: brought }) },
  login: { '': () => ({ body: { user: 'nobody', password: 'x' } }) },
  setPassword: { '': () => ({ body: { token: 'x', password: 'x' } }) },
};
