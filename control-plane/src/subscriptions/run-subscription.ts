import type { ExecutionArgs, GraphQLFormattedError } from 'graphql';
// The CommonJS form, as type-graphql has it: graphql refuses schemas that another copy of it made.
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  parse,
  specifiedRules,
  validate,
  type ValidationRule,
} from 'graphql/index.js';
import type { SubscribePayload } from 'graphql-ws';
import { maxTokens } from '../api/graphql-limits.ts';

/** Takes a subscription apart as a request of HTTP is: the same limits, and nothing but subscriptions. */
export class SubscriptionRules {
  readonly #schema: GraphQLSchema;
  readonly #rules: readonly ValidationRule[];

  constructor(schema: GraphQLSchema, limits: readonly ValidationRule[]) {
    this.#schema = schema;
    this.#rules = [...specifiedRules, ...limits];
  }

  /** What is to be run, or why it is not. */
  prepare(payload: SubscribePayload, contextValue: object): ExecutionArgs | readonly GraphQLError[] {
    let document: DocumentNode;
    try {
      document = parse(payload.query, { maxTokens });
    } catch (error) {
      return [coded(error, 'GRAPHQL_PARSE_FAILED')];
    }
    const errors = validate(this.#schema, document, this.#rules, { maxErrors: 10 });
    if (errors.length > 0) return errors.map((error) => coded(error, 'GRAPHQL_VALIDATION_FAILED'));
    const operation = getOperationAST(document, payload.operationName);
    if (operation?.operation !== 'subscription') {
      return [new GraphQLError('Only subscriptions are served here', { extensions: { code: 'BAD_REQUEST' } })];
    }
    return {
      schema: this.#schema,
      document,
      operationName: payload.operationName ?? null,
      variableValues: payload.variables ?? null,
      contextValue,
    };
  }
}

function coded(error: unknown, code: string): GraphQLError {
  if (!(error instanceof GraphQLError)) return new GraphQLError('The document is not valid', { extensions: { code } });
  const { message, nodes, source, positions } = error;
  return new GraphQLError(message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    extensions: { code },
  });
}

/** The code that Apollo Server would give an error of the request itself. */
export function withRequestCode(error: GraphQLFormattedError): GraphQLFormattedError {
  return error.extensions?.['code'] === undefined && error.path === undefined
    ? { ...error, extensions: { code: 'BAD_USER_INPUT' } }
    : error;
}
