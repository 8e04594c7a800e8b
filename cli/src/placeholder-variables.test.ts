import { describe, expect, it } from 'vitest';
import { conventionalVariables, placeholderVariables } from './placeholder-variables.ts';

describe('conventionalVariables', () => {
  it.each([
    ['prod/openai', ['OPENAI_API_KEY']],
    ['staging/anthropic', ['ANTHROPIC_API_KEY']],
    ['prod/github', ['GITHUB_TOKEN', 'GH_TOKEN']],
    ['prod/stripe', ['STRIPE_API_KEY']],
    ['prod/my-service.v2', ['MY_SERVICE_V2_API_KEY']],
    ['prod/4chan', ['_4CHAN_API_KEY']],
  ])('finds the variables of %s', (name, variables) => {
    expect(conventionalVariables(name)).toEqual(variables);
  });
});

describe('placeholderVariables', () => {
  it('sets a variable that is absent or empty, silently', () => {
    expect(placeholderVariables(['prod/openai'], { OPENAI_API_KEY: '' })).toEqual({
      variables: { OPENAI_API_KEY: 'onecli://prod/openai' },
      notices: [],
    });
  });

  it('replaces a real key with a notice that names the variable and not the key', () => {
    const { variables, notices } = placeholderVariables(['prod/openai'], { OPENAI_API_KEY: 'sk-real-key' });
    expect(variables).toEqual({ OPENAI_API_KEY: 'onecli://prod/openai' });
    expect(notices.join()).toContain('OPENAI_API_KEY');
    expect(notices.join()).not.toContain('sk-real-key');
  });

  it('leaves a variable that already holds a placeholder', () => {
    expect(placeholderVariables(['prod/openai'], { OPENAI_API_KEY: 'onecli://staging/openai' }).variables).toEqual({});
  });

  it('prefers prod where two secrets want one variable, and says how to have the other', () => {
    const { variables, notices } = placeholderVariables(['dev/openai', 'prod/openai'], {});
    expect(variables).toEqual({ OPENAI_API_KEY: 'onecli://prod/openai' });
    expect(notices).toEqual([expect.stringContaining('--set OPENAI_API_KEY=dev/openai')]);
  });

  it('lets an explicit variable win over the convention and over what is inherited', () => {
    const explicit = { OPENAI_API_KEY: 'onecli://dev/openai' };
    const { variables } = placeholderVariables(['prod/openai'], { OPENAI_API_KEY: 'onecli://prod/openai' }, explicit);
    expect(variables).toEqual(explicit);
  });

  it('ignores a grant that is no secret name', () => {
    expect(placeholderVariables(['*', 'PROD/x', 'a=b/c'], {}).variables).toEqual({});
  });
});
