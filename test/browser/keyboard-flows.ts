import { describe, expect, it } from 'vitest';
import { type World, tabTo } from './world.ts';

/** The flows of every day without a mouse. */
export function keyboardFlows(world: () => World): void {
  describe('by keyboard alone', () => {
    it('a secret is made, gets a version and is rolled back', () => secret(world()));
    it('an agent is made, and gets another token', () => agent(world()));
    it('a policy is made and changed', () => policy(world()));
  });
}

async function secret({ main: { page }, url, must }: World): Promise<void> {
  const { keyboard } = page;
  await page.goto(`${url}/secrets`);
  await page.getByRole('link', { name: 'New secret' }).waitFor();
  await tabTo(page, 'New secret');
  await keyboard.press('Enter');
  await page.locator('input:focus').waitFor();
  await keyboard.type('prod/keyed');
  await tabTo(page, 'Value');
  await keyboard.type('a-first-value-of-it');
  await tabTo(page, 'Hosts');
  await keyboard.type('api.example.com');
  await keyboard.press('Enter');
  await page.waitForURL('**/secrets/prod%2Fkeyed');
  await page.getByRole('button', { name: 'New version' }).waitFor();
  await tabTo(page, 'New version');
  await keyboard.press('Enter');
  await page
    .getByRole('dialog')
    .getByLabel(/^Value/)
    .waitFor();
  await tabTo(page, 'Value');
  await keyboard.type('a-second-value-of-it');
  await keyboard.press('Enter');
  await page.getByRole('row', { name: /^2 Current/ }).waitFor();
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  await tabTo(page, 'Roll back');
  await keyboard.press('Enter');
  await page.getByText('back to version 1?').waitFor();
  await tabTo(page, 'Roll back');
  await keyboard.press('Enter');
  await page.getByRole('row', { name: /^1 Current/ }).waitFor();
  expect(await must('GET', '/api/secrets/prod%2Fkeyed')).toMatchObject({ version: 1 });
  await must('DELETE', '/api/secrets/prod%2Fkeyed');
}

async function agent({ main: { page }, url, must }: World): Promise<void> {
  const { keyboard } = page;
  await page.goto(`${url}/new/agent`);
  await page.locator('input:focus').waitFor();
  await keyboard.type('keyed-agent');
  await keyboard.press('Enter');
  const token = page.getByLabel('Token', { exact: true });
  await token.waitFor();
  const first = await token.innerText();
  await page.goto(`${url}/agents/keyed-agent`);
  await page.getByRole('button', { name: 'New token' }).waitFor();
  await tabTo(page, 'New token');
  await keyboard.press('Enter');
  await page.getByRole('dialog').filter({ visible: true }).waitFor();
  await tabTo(page, 'New token');
  await keyboard.press('Enter');
  await token.waitFor();
  expect(await token.innerText()).not.toBe(first);
  await must('DELETE', '/api/agents/keyed-agent');
}

async function policy({ main: { page }, url, must }: World): Promise<void> {
  const { keyboard } = page;
  await page.goto(`${url}/new/policy`);
  await page.getByLabel('YAML').waitFor();
  await tabTo(page, 'YAML');
  await keyboard.press('ControlOrMeta+a');
  await keyboard.type('name: keyed\nagents: [keyed-*]\nrules:\n- allow: { hosts: [a.example.com] }');
  await tabTo(page, 'Save');
  await keyboard.press('Enter');
  await page.waitForURL('**/policies');
  await page.getByRole('link', { name: 'keyed', exact: true }).waitFor();
  await tabTo(page, 'keyed');
  await keyboard.press('Enter');
  await page.getByText('Nothing is changed yet').waitFor();
  await tabTo(page, 'Hosts');
  await keyboard.press('End');
  await keyboard.type(', b.example.com');
  await page.getByRole('row', { name: /^Rule 1 .* Allow everything to a\.example\.com, b\.example\.com$/ }).waitFor();
  await tabTo(page, 'Save');
  await keyboard.press('Enter');
  await page.getByText('Nothing is changed yet').waitFor();
  expect(await must('GET', '/api/policies/keyed')).toMatchObject({
    rules: [{ allow: { hosts: ['a.example.com', 'b.example.com'] } }],
  });
  await must('DELETE', '/api/policies/keyed');
}
