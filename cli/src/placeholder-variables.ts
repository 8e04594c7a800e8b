import { environmentOf, isSecretName } from '@onecli/shared/domain/names';
import { placeholderFor, placeholderScheme } from '@onecli/shared/domain/placeholder';
import type { Variables } from './environment.ts';

/** What to set in an agent's environment so that common libraries pick a placeholder up, and what to tell the user. */
export interface PlaceholderVariables {
  readonly variables: Variables;
  readonly notices: readonly string[];
}

const conventional: Readonly<Record<string, readonly string[]>> = {
  openai: ['OPENAI_API_KEY'],
  anthropic: ['ANTHROPIC_API_KEY'],
  github: ['GITHUB_TOKEN', 'GH_TOKEN'],
  stripe: ['STRIPE_API_KEY'],
};

/** The variables that libraries conventionally read a secret of this name from: `prod/openai` gives OPENAI_API_KEY. */
export function conventionalVariables(name: string): readonly string[] {
  const service = name.slice(environmentOf(name).length + 1);
  const known = conventional[service];
  if (known !== undefined) return known;
  const upper = service.toUpperCase().replace(/[^A-Z0-9]+/g, '_');
  return [`${/^[0-9]/.test(upper) ? '_' : ''}${upper}_API_KEY`];
}

/**
 * Places the placeholder of every granted secret in its conventional variables. A variable that already holds a placeholder is
 * left; one that holds anything else is replaced, because the point is that the agent never has a real key. `explicit`
 * (variable → placeholder) wins over both. Where two secrets want one variable, `prod` comes first, then the alphabet.
 */
export function placeholderVariables(
  granted: readonly string[],
  inherited: Variables,
  explicit: Variables = {},
): PlaceholderVariables {
  const variables: Record<string, string> = { ...explicit };
  const notices: string[] = [];
  for (const name of [...new Set(granted)].filter(isSecretName).sort(prodFirst)) {
    for (const variable of conventionalVariables(name)) {
      if (explicit[variable] !== undefined) continue;
      const taken = variables[variable];
      if (taken !== undefined) {
        notices.push(`${variable} holds ${taken}; to have ${name} there: --set ${variable}=${name}`);
      } else if (!inherited[variable]?.startsWith(placeholderScheme)) {
        variables[variable] = placeholderFor(name);
      }
    }
  }
  for (const [variable, placeholder] of Object.entries(variables)) {
    const held = inherited[variable] ?? '';
    if (held !== '' && !held.startsWith(placeholderScheme)) {
      notices.push(`${variable} held a real value; the command gets ${placeholder} instead`);
    }
  }
  return { variables, notices };
}

function prodFirst(a: string, b: string): number {
  const rank = (name: string): number => (environmentOf(name) === 'prod' ? 0 : 1);
  return rank(a) - rank(b) || (a < b ? -1 : 1);
}
