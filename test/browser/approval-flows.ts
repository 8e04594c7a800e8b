import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { openSession, signIn, takePicture } from './browser-session.ts';
import { findViolations } from './find-violations.ts';
import type { TrafficWorld } from './traffic-flows.ts';
import { agree, press } from './world.ts';

type Agent = Parameters<TrafficWorld['send']>[0];

/** What no table has room for: whoever decides has to see all of it. */
const long = `/v1/payouts/${'4711-'.repeat(40)}end`;
const urlOf = (path: string) => `https://api.openai.com${path}`;

/** A rule that asks a person, what an agent is refused by it, and what a person says to that. */
export function approvalFlows(world: () => TrafficWorld): void {
  let agent: Agent;
  const ask = (path: string) => world().send(agent, urlOf(path));
  describe('approvals', () => {
    it('are asked for by a rule that the form makes, and an edit does not lose it', async () => {
      const { token } = await world().must<{ token: string }>('POST', '/api/agents', { name: 'asker' });
      agent = { name: 'asker', token };
      await askingPolicy(world());
    });
    it('come without a reload, are given for a time, and the same request passes', () => approved(world(), ask));
    it('are refused, and ended by hand', () => deniedAndEnded(world(), ask));
    it('are given for all that a rule covers', () => wholeRule(world(), ask));
    it('are not for who may only read', () => readOnly(world(), ask));
  });
}

async function askingPolicy({ main: { page }, url, must }: TrafficWorld): Promise<void> {
  const saved = () => must('GET', '/api/policies/asking');
  await page.goto(`${url}/new/policy`);
  await page
    .getByLabel('YAML')
    .fill('name: asking\nagents: [asker]\nrules:\n  - allow: { hosts: [api.openai.com], paths: [/v1/**] }\n');
  await page.getByLabel('A person has to approve').check();
  await page.getByText('Asks a person', { exact: true }).waitFor();
  expect(await page.getByLabel('YAML').inputValue()).toContain('approval: true');
  await page.getByRole('row', { name: /only \/v1\/\*\*, once a person has approved it/ }).waitFor();
  await takePicture(page, 'policy-that-asks');
  await press(page, 'Save');
  await page.waitForURL('**/policies');
  await page.getByRole('row', { name: /^asking Asks a person/ }).waitFor();
  expect(await saved()).toMatchObject({ rules: [{ allow: { approval: true } }] });
  await page.goto(`${url}/policies/asking`);
  expect(await page.getByLabel('A person has to approve').isChecked()).toBe(true);
  await page.getByLabel('Methods').fill('GET');
  await press(page, 'Save');
  await expect.poll(saved).toMatchObject({ rules: [{ allow: { methods: ['GET'], approval: true } }] });
  await page.goto(`${url}/simulator?agent=asker&method=GET&url=${urlOf(long)}`);
  await page.getByText('nobody has approved this').waitFor();
  await page.getByRole('row', { name: /^asking, rule 1 allow, if a person approves decides/ }).waitFor();
}

async function approved({ main: { page }, url }: TrafficWorld, ask: (path: string) => Promise<string>): Promise<void> {
  await page.goto(`${url}/approvals`);
  await page.getByText('Live', { exact: true }).waitFor();
  await page.getByText('Nothing waits for a person').waitFor();
  expect(await ask(long)).toContain('APPROVAL_REQUIRED');
  const row = page.getByRole('row', { name: /^asker GET api\.openai\.com\/v1\/payouts/ });
  await row.getByText('once', { exact: true }).waitFor();
  expect(await ask(long)).toContain('APPROVAL_REQUIRED');
  await row.getByText('2 times', { exact: true }).waitFor();
  await row.getByRole('button', { name: 'Approve' }).click();
  const dialog = page.getByRole('dialog', { name: 'Approve it for asker?' });
  await dialog.getByText(`GET api.openai.com${long}`, { exact: true }).waitFor();
  expect(await dialog.getByLabel('This request alone').isChecked()).toBe(true);
  expect(await dialog.getByLabel('For how long').inputValue()).toBe('60');
  await dialog.getByLabel('For how long').selectOption('15 minutes');
  await takePicture(page, 'approve');
  expect(await findViolations(page, 'the dialog Approve')).toEqual([]);
  await dialog.getByRole('button', { name: 'Approve' }).click();
  const decided = page.getByRole('row', { name: /payouts.* Approved user:admin in 1[45] min/ });
  await decided.getByRole('button', { name: 'End' }).waitFor();
  await page.getByText('Nothing waits for a person').waitFor();
  await expect.poll(() => ask(long)).toContain('"ok":true');
  expect(await ask('/v1/other')).toContain('APPROVAL_REQUIRED');
}

async function deniedAndEnded(
  { main: { page }, url }: TrafficWorld,
  ask: (path: string) => Promise<string>,
): Promise<void> {
  await page.goto(`${url}/`);
  await page.getByRole('link', { name: '1 request waits for an approval' }).click();
  await page.getByRole('row', { name: /^asker GET api\.openai\.com\/v1\/other/ }).waitFor();
  expect(await findViolations(page, 'an approval that waits')).toEqual([]);
  await takePicture(page, 'approvals');
  expect(await agree(page, 'Deny')).toContain('for an hour nobody is asked for it again');
  const denied = page.getByRole('row', { name: /\/v1\/other asking, rule 1 Denied/ });
  await denied.getByRole('button', { name: 'End' }).click();
  await endIn(page, 'stays refused, and may ask again');
  await page.getByRole('row', { name: /\/v1\/other asking, rule 1 Ended/ }).waitFor();
  await page
    .getByRole('row', { name: /payouts.* Approved/ })
    .getByRole('button', { name: 'End' })
    .click();
  await endIn(page, 'is refused from the next request on');
  await page.getByRole('row', { name: /payouts.* Ended/ }).waitFor();
  await expect.poll(() => ask(long)).toContain('APPROVAL_REQUIRED');
  // It is asked for anew.
  await page.getByRole('row', { name: /payouts.* Approve Deny/ }).waitFor();
  expect(await page.getByRole('row', { name: /payouts/ }).count()).toBe(1);
  await page.goto(`${url}/activity?agent=asker`);
  await page
    .getByRole('button', { name: /\/v1\/other$/ })
    .first()
    .click();
  await page.getByRole('dialog').getByRole('link', { name: 'Approvals' }).waitFor();
}

/** Agrees to end what was decided, once it is told what comes of it. */
async function endIn(page: Page, says: string): Promise<void> {
  const dialog = page.getByRole('dialog', { name: 'End it now?' });
  await dialog.getByText(says).waitFor();
  await dialog.getByRole('button', { name: 'End' }).click();
}

async function wholeRule({ main: { page }, url }: TrafficWorld, ask: (path: string) => Promise<string>): Promise<void> {
  await page.goto(`${url}/approvals`);
  await page
    .getByRole('row', { name: /payouts/ })
    .getByRole('button', { name: 'Approve' })
    .click();
  const dialog = page.getByRole('dialog', { name: 'Approve it for asker?' });
  await dialog.getByLabel('All that the rule covers').check();
  await dialog.getByRole('button', { name: 'Approve' }).click();
  await page.getByRole('row', { name: /payouts.* Approved the whole rule/ }).waitFor();
  await expect.poll(() => ask('/v1/never-asked')).toContain('"ok":true');
  await page
    .getByRole('row', { name: /payouts/ })
    .getByRole('button', { name: 'End' })
    .click();
  await endIn(page, 'is refused from the next request on');
  await page.getByRole('row', { name: /payouts.* Ended/ }).waitFor();
  await expect.poll(() => ask('/v1/never-asked')).toContain('APPROVAL_REQUIRED');
}

async function readOnly({ browser, url, must }: TrafficWorld, ask: (path: string) => Promise<string>): Promise<void> {
  const roles = [{ role: 'auditor', environments: ['*'] }];
  const { token } = await must<{ token: string }>('POST', '/api/users', { name: 'witness', roles });
  const password = 'a-password-for-witnessing-7';
  await must('POST', '/api/password', { token, password });
  const { page, context } = await openSession(browser);
  await signIn(page, url, password, 'witness');
  await page.getByRole('link', { name: 'Approvals', exact: true }).click();
  await ask('/v1/seen');
  const row = page.getByRole('row', { name: /\/v1\/seen/ });
  for (const name of ['Approve', 'Deny']) {
    const button = row.getByRole('button', { name });
    expect(await button.getAttribute('aria-disabled')).toBe('true');
    expect(await button.getAttribute('title')).toContain('approval:decide');
  }
  await context.close();
}
