import { ApolloArmor } from '@escape.tech/graphql-armor';
import type { ValidationRule } from 'graphql/index.js';

/** Tokens of a document: an introspection query has about 300. */
export const maxTokens = 1_000;

const maxDepth = 8;
const maxAliases = 15;
const maxDirectives = 20;
/** Fields that may come back: a page of 200 of the largest objects with everything that they have, and some more. */
const maxCost = 20_000;

/** What a document may ask for at most, whatever its variables are; introspection is not measured by depth. */
export function graphqlLimits() {
  const { plugins, validationRules } = new ApolloArmor({
    maxDepth: { n: maxDepth },
    maxAliases: { n: maxAliases },
    maxDirectives: { n: maxDirectives },
    // graphql-js counts them itself, and its refusal is a 400.
    maxTokens: { enabled: false },
    // That depends on variables: see page-cost.ts.
    costLimit: { enabled: false },
    blockFieldSuggestion: { enabled: true },
  }).protect();
  return { plugins, validationRules };
}

/** Refuses what costs too much: each field costs one, times the size of the page that it is in. It reads sizes that are literals. */
export function costRules(): readonly ValidationRule[] {
  return new ApolloArmor({
    maxDepth: { enabled: false },
    maxAliases: { enabled: false },
    maxDirectives: { enabled: false },
    maxTokens: { enabled: false },
    blockFieldSuggestion: { enabled: false },
    costLimit: { maxCost, objectCost: 1, scalarCost: 1, depthCostFactor: 1, flattenFragments: true },
  }).protect().validationRules;
}
