import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { exportConfiguration, type Running, variablesFor } from './export-configuration.ts';

const running: Running = {
  secrets: [
    {
      name: 'prod/openai',
      description: '',
      binding: { hosts: ['api.openai.com'] },
      alias: `sk-onecli7x${'a'.repeat(28)}`,
      disabled: false,
      managedBy: 'mine',
    },
    { name: 'staging/openai', description: 'for tests', binding: null, alias: null, disabled: true, managedBy: null },
  ],
  agents: [{ name: 'a', labels: {}, identities: [{ token: {} }], disabled: false, managedBy: 'mine' }],
  policies: [{ name: 'p', agents: ['a'], mode: 'enforce', rules: [], managedBy: null }],
  routes: [],
};

describe('exportConfiguration', () => {
  it('says what runs, without what is a default, and where each value is to come from', () => {
    expect(parse(exportConfiguration(running, { managedBy: undefined, hasValues: true }))).toEqual({
      apiVersion: 'onecli/v1',
      secrets: [
        {
          name: 'prod/openai',
          valueFrom: { env: 'PROD_OPENAI_API_KEY' },
          binding: { hosts: ['api.openai.com'] },
          alias: { prefix: 'sk-' },
        },
        {
          name: 'staging/openai',
          description: 'for tests',
          valueFrom: { env: 'STAGING_OPENAI_API_KEY' },
          disabled: true,
        },
      ],
      agents: [{ name: 'a', identities: [{ token: {} }] }],
      policies: [{ name: 'p', agents: ['a'], rules: [] }],
    });
  });

  it('of one source has only what that source made', () => {
    expect(parse(exportConfiguration(running, { managedBy: 'mine', hasValues: false }))).toEqual({
      apiVersion: 'onecli/v1',
      managedBy: 'mine',
      secrets: [{ name: 'prod/openai', binding: { hosts: ['api.openai.com'] }, alias: { prefix: 'sk-' } }],
      agents: [{ name: 'a', identities: [{ token: {} }] }],
    });
  });
});

describe('variablesFor', () => {
  it('gives each secret a variable of its own, never one of the gateway', () => {
    const variables = variablesFor([
      'prod/openai',
      'prod/github',
      'prod/1x',
      'onecli/a',
      'prod/a',
      'prod/b-c',
      'prod/b.c',
    ]);
    expect([...variables.values()]).toEqual([
      'OPENAI_API_KEY',
      'GITHUB_TOKEN',
      '_1X_API_KEY',
      'SECRET_ONECLI_A_API_KEY',
      'PROD_A_API_KEY',
      'PROD_B_C_API_KEY',
      'PROD_B_C_API_KEY_2',
    ]);
  });
});
