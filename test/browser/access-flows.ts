import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { canariesIn } from '../support/canary.ts';
import { type World, agree, everythingIn, press } from './world.ts';

/** Secrets, routes, rotations, agents and policies, as a person changes them. */
export function accessFlows(world: () => World): void {
  describe('a secret', () => {
    it('is made at random, gets a version, is rolled back, and its version is destroyed', () =>
      secretVersions(world()));
    it('gets an alias, another, and none', () => secretAlias(world()));
    it('tells what somebody else changed meanwhile, and keeps both', () => secretConflict(world()));
    it('is told of as deleted when it was, and what was typed stays', () => secretGone(world()));
  });
  describe('a route', () => {
    it('is made by keyboard alone, changed, and deleted', () => routeByKeyboard(world()));
  });
  describe('a rotation', () => {
    it('is set up, run, cancelled and deleted', () => rotation(world()));
  });
  describe('an agent', () => {
    it('gets an identity and a certificate, whose key is saved and shown nowhere', () => agentCertificate(world()));
  });
  describe('a policy', () => {
    it('is changed in the form, and its comments stay', () => policyForm(world()));
  });
}

async function secretVersions({ main: { page }, url, must, keys }: World): Promise<void> {
  await page.goto(`${url}/new/secret`);
  await page.getByLabel('Name').fill('prod/flow');
  await page.getByText('Make a random one').click();
  await page.getByLabel('Hosts').fill('api.example.com');
  await page.getByLabel('JSON bodies').check();
  await page.getByLabel('JSON paths').fill('$.key');
  await page.getByLabel('Expires').fill('2099-01-31T12:00');
  await press(page, 'Make the secret');
  await page.waitForURL('**/secrets/prod%2Fflow');
  await page.getByRole('button', { name: 'New version' }).click();
  await page.getByLabel(/^Value/).fill(keys.version);
  await press(page, 'Make it current');
  await page.getByRole('row', { name: /^2 Current/ }).waitFor();
  expect(canariesIn(await everythingIn(page), [keys.version])).toEqual([]);
  await agree(page, 'Roll back');
  await page.getByRole('row', { name: /^1 Current/ }).waitFor();
  expect(await agree(page, 'Destroy')).toContain('gone for good');
  await page.getByRole('row', { name: /^2 destroyed/ }).waitFor();
  expect(await agree(page, 'Disable')).toContain('used nowhere');
  await page.getByText('Disabled', { exact: true }).waitFor();
  await agree(page, 'Enable');
  await page.getByText('Ready', { exact: true }).waitFor();
  expect(await must('GET', '/api/secrets/prod%2Fflow')).toMatchObject({
    version: 1,
    binding: { hosts: ['api.example.com'], surfaces: ['header', 'basic', 'json'], jsonPaths: ['$.key'] },
    expiresAt: expect.stringContaining('2099-01-31') as string,
  });
}

async function secretAlias({ main: { page }, url, must }: World): Promise<void> {
  const alias = async () => (await must<{ alias: string | null }>('GET', '/api/secrets/prod%2Fflow')).alias;
  await page.goto(`${url}/secrets/prod%2Fflow`);
  await press(page, 'Give it one');
  await press(page, 'Make the alias');
  await page.getByText(/^sk-/).waitFor();
  const first = await alias();
  await press(page, 'Another one');
  await press(page, 'Make another');
  await page.getByText('The one before it works until').waitFor();
  expect([first?.slice(0, 3), (await alias()) === first]).toEqual(['sk-', false]);
  await agree(page, 'Remove');
  await page.getByRole('button', { name: 'Give it one' }).waitFor();
  expect(await alias()).toBeNull();
}

async function secretConflict({ main: { page }, url, must }: World): Promise<void> {
  await page.goto(`${url}/secrets/prod%2Fflow`);
  await press(page, 'Edit');
  await page.getByLabel('Hosts').fill('api.example.com, files.example.com');
  const query = 'mutation { upsertSecret(input: { name: "prod/flow", description: "theirs" }) { change } }';
  await must('POST', '/graphql', { query });
  await press(page, 'Save');
  await page.getByRole('row', { name: 'description – theirs' }).waitFor();
  expect(await page.getByLabel('Hosts').inputValue()).toBe('api.example.com, files.example.com');
  await press(page, 'Write what I changed');
  await page.getByRole('button', { name: 'Edit' }).waitFor();
  expect(await must('GET', '/api/secrets/prod%2Fflow')).toMatchObject({
    description: 'theirs',
    binding: { hosts: ['api.example.com', 'files.example.com'] },
  });
}

async function secretGone({ main: { page }, url, must }: World): Promise<void> {
  await page.goto(`${url}/secrets/prod%2Fflow`);
  await press(page, 'Edit');
  await page.getByLabel('Description').fill('typed');
  await must('DELETE', '/api/secrets/prod%2Fflow');
  await press(page, 'Save');
  await page.getByText('It was deleted meanwhile').waitFor();
  expect(await page.getByLabel('Description').inputValue()).toBe('typed');
  await press(page, 'Leave it');
  await page.getByText('There is no secret prod/flow').waitFor();
}

async function routeByKeyboard({ main: { page }, url, must }: World): Promise<void> {
  await must('POST', '/api/secrets', {
    name: 'prod/routed',
    value: 'v'.repeat(30),
    binding: { hosts: ['*.example.com'] },
  });
  await page.goto(`${url}/new/route`);
  await page.getByLabel('Name').first().waitFor();
  for (const text of ['by-keys', 'prod/routed', 'api.example.com', '/v1/**']) {
    await page.keyboard.type(text);
    await page.keyboard.press('Tab');
  }
  await page.keyboard.type('get');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/routes');
  await page.getByRole('link', { name: 'by-keys' }).press('Enter');
  expect(await must('GET', '/api/routes/by-keys')).toMatchObject({ methods: ['GET'], paths: ['/v1/**'] });
  await press(page, 'One thing more');
  await page.getByLabel('Part 2', { exact: true }).selectOption('Remove a query parameter');
  await page.getByLabel('Name').last().fill('api_key');
  await press(page, 'Save');
  await page.getByText('without ?api_key').waitFor();
  await page.getByRole('link', { name: 'by-keys' }).click();
  await agree(page, 'Delete');
  await page.waitForURL('**/routes');
  await page.getByText('No routes yet').waitFor();
}

async function rotation({ main: { page }, url, must }: World): Promise<void> {
  await page.goto(`${url}/new/rotation?secret=prod/routed`);
  await page.getByLabel('Schedule').fill('0 3 1 * *');
  await page.getByLabel('Recipe').fill('generate: { length: 40 }');
  await press(page, 'Set it up');
  await page.waitForURL('**/rotations/prod%2Frouted');
  await agree(page, 'Rotate now');
  await page.getByText(/Under way: watching/).waitFor();
  await agree(page, 'Cancel the run');
  await page.getByText('Cancelled', { exact: true }).waitFor();
  await press(page, 'Change schedule and recipe');
  await page.getByLabel('Schedule').fill('at three');
  await press(page, 'Save');
  await page.getByRole('alert').getByText('must be cron text').waitFor();
  await page.getByLabel('Schedule').fill('');
  const recipe = { generate: { length: 40 }, schedule: '0 3 1 * *', graceSeconds: 90_000 };
  await must('PUT', '/api/rotations/prod%2Frouted', recipe);
  await press(page, 'Save');
  await page.getByRole('row', { name: 'graceSeconds 86400 90000' }).waitFor();
  await press(page, 'Write what I changed');
  await page.getByRole('button', { name: 'Change schedule and recipe' }).waitFor();
  expect(await must('GET', '/api/rotations/prod%2Frouted')).toMatchObject({
    schedule: null,
    recipe: { graceSeconds: 90_000 },
  });
  await agree(page, 'Delete');
  await page.waitForURL('**/rotations');
  const { items } = await must<{ items: { secret: string }[] }>('GET', '/api/rotations');
  expect(items.map(({ secret }) => secret)).not.toContain('prod/routed');
}

async function agentCertificate({ main: { page }, url, must }: World): Promise<void> {
  await must('POST', '/api/agents', { name: 'certified' });
  await page.goto(`${url}/agents/certified`);
  await press(page, 'Edit');
  await page.getByLabel('Labels').fill('team=finance');
  await press(page, 'One identity more');
  await page.getByLabel('Identity 2', { exact: true }).selectOption('Client certificate');
  await page.getByLabel('Name in the certificate').fill('certified');
  await press(page, 'Save');
  await page.getByRole('button', { name: 'New certificate' }).click();
  await press(page, 'Issue it');
  await page.getByRole('button', { name: 'Save the key' }).waitFor();
  // The key is given this once: it is still there to be saved.
  await page.keyboard.press('Escape');
  const [download] = await Promise.all([page.waitForEvent('download'), press(page, 'Save the key')]);
  const pem = readFileSync(await download.path(), 'utf8');
  expect(pem).toMatch(/^-----BEGIN (?:EC )?PRIVATE KEY-----/);
  expect(await everythingIn(page)).not.toContain(pem.split('\n')[1]);
  await press(page, 'Done');
  expect(await must('GET', '/api/agents/certified')).toMatchObject({
    labels: { team: 'finance' },
    identities: [{ token: {} }, { mtls: { commonName: 'certified' } }],
  });
  expect(await agree(page, 'Delete')).toContain('refused from the next request');
  await page.waitForURL('**/agents');
}

async function policyForm({ main: { page }, url, must }: World): Promise<void> {
  await page.goto(`${url}/new/policy`);
  await page
    .getByLabel('YAML')
    .fill('name: formed # why\nagents: [ "*" ]\nrules:\n  - allow: { hosts: [ a.example.com ] }\n');
  await page.getByLabel('Hosts').fill('a.example.com, *.example.org');
  // A comma in a value is one of its own: the value stands in quotes, and stays one.
  await page
    .getByLabel('YAML')
    .fill((await page.getByLabel('YAML').inputValue()).replace(' ] }', ' ], paths: [ "/a,b" ] }'));
  expect(await page.getByLabel('Paths').inputValue()).toBe('"/a,b"');
  await page.getByLabel('Paths').fill('"/a,b", /c');
  expect(await page.getByLabel('YAML').inputValue()).toMatch(/paths: \[ "\/a,b", \/c \]/);
  await page.getByLabel('Paths').fill('');
  await press(page, 'One rule more');
  await page.getByLabel('Effect of rule 2').selectOption('deny');
  await page.getByLabel('Hosts').last().fill('b.example.org');
  const text = await page.getByLabel('YAML').inputValue();
  expect(text).toContain('name: formed # why');
  expect(text).toContain('- deny: { hosts: [ b.example.org ] }');
  await page.getByRole('row', { name: 'Rule 2, new – Deny everything to b.example.org' }).waitFor();
  await press(page, 'Save');
  await page.waitForURL('**/policies');
  expect(await must('GET', '/api/policies/formed')).toMatchObject({
    rules: [{ allow: { hosts: ['a.example.com', '*.example.org'] } }, { deny: { hosts: ['b.example.org'] } }],
  });
  await page.goto(`${url}/new/policy`);
  await page.getByLabel('YAML').fill('name: formed\nagents: [ "*" ]\nrules: []\n');
  await press(page, 'Save');
  await page.getByText('There is already a policy formed').waitFor();
  await page.goto(`${url}/policies/formed`);
  const kept = await page.getByLabel('YAML').inputValue();
  await page.getByLabel('YAML').fill(kept.replace('name: formed', 'name: other'));
  await press(page, 'Save');
  await page.getByText('The name has to stay formed').waitFor();
  await page.getByLabel('YAML').fill(kept.replace('a.example.com', 'c.example.com'));
  const { agents, rules } = await must<Record<'agents' | 'rules', unknown>>('GET', '/api/policies/formed');
  await must('PUT', '/api/policies/formed', { mode: 'monitor', agents, rules });
  await press(page, 'Save');
  await page.getByText('Somebody else changed it meanwhile').waitFor();
  await page.getByRole('row', { name: 'Mode Enforce Monitor' }).waitFor();
  // What was typed is still there, and nothing of it was written.
  expect(await page.getByLabel('YAML').inputValue()).toContain('c.example.com');
  expect(await must('GET', '/api/policies/formed')).toMatchObject({ mode: 'monitor', rules });
  await press(page, 'Drop mine, show theirs');
  await expect.poll(() => page.getByLabel('YAML').inputValue()).toContain('mode: monitor');
  await page.goto(`${url}/policies`);
  await page.getByRole('link', { name: 'formed', exact: true }).click();
  await page.getByLabel('YAML').waitFor();
  expect(await page.evaluate('document.activeElement.id')).toBe('main');
  await must('DELETE', '/api/policies/formed');
}
