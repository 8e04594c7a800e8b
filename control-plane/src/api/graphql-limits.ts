import { ApolloArmor } from '@escape.tech/graphql-armor';

/** Tokens of a document: an introspection query has about 300. */
export const maxTokens = 1_000;

const maxDepth = 8;
const maxAliases = 15;
const maxDirectives = 20;
const maxCost = 5_000;

/** What a document may ask for at most; introspection is not measured by depth and cost. */
export function graphqlLimits() {
  const { plugins, validationRules } = new ApolloArmor({
    maxDepth: { n: maxDepth },
    maxAliases: { n: maxAliases },
    maxDirectives: { n: maxDirectives },
    // graphql-js counts them itself, and its refusal is a 400.
    maxTokens: { enabled: false },
    costLimit: { maxCost },
    blockFieldSuggestion: { enabled: true },
  }).protect();
  return { plugins, validationRules };
}
