import type { ApolloServerPlugin } from '@apollo/server';
// The CommonJS form, as Apollo Server has it.
import {
  type ConstValueNode,
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  TypeInfo,
  type ValidationRule,
  type ValueNode,
  validate,
  visit,
  visitWithTypeInfo,
} from 'graphql/index.js';
import type { GraphqlContext } from './graphql-context.ts';

/** The argument that says how many nodes a page has. */
const sizeName = 'first';

interface Asked {
  readonly schema: GraphQLSchema;
  /** It is valid. */
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
}

/**
 * Why a document costs too much with the variables that came with it, or undefined. The rules read literals alone, so that each
 * page's size stands there as one first: what a variable says, or what it is when nothing is said.
 */
export function costProblem(asked: Asked, rules: readonly ValidationRule[]): GraphQLError | undefined {
  try {
    return validate(asked.schema, withSizes(asked), rules)[0];
  } catch (error) {
    // The rule of graphql-armor throws what it finds.
    if (error instanceof GraphQLError) return error;
    throw error;
  }
}

/** Refuses a request that costs too much. */
export function costPlugin(rules: readonly ValidationRule[]): ApolloServerPlugin<GraphqlContext> {
  return {
    requestDidStart: () =>
      Promise.resolve({
        didResolveOperation({ schema, document, operation, request: { variables = {} } }) {
          const problem = costProblem({ schema, document, operation, variables }, rules);
          if (problem === undefined) return Promise.resolve();
          const extensions = { code: 'GRAPHQL_VALIDATION_FAILED', http: { status: 400 } };
          throw new GraphQLError(problem.message, { extensions });
        },
      }),
  };
}

function withSizes({ schema, document, operation, variables }: Asked): DocumentNode {
  const types = new TypeInfo(schema);
  return visit(
    document,
    visitWithTypeInfo(types, {
      Field(node) {
        const defined = types.getFieldDef()?.args.find(({ name }) => name === sizeName);
        if (defined === undefined) return undefined;
        const given = node.arguments?.find(({ name }) => name.value === sizeName)?.value;
        const size = sizeOf(given, operation, variables) ?? defined.defaultValue;
        const others = (node.arguments ?? []).filter(({ name }) => name.value !== sizeName);
        const name = { kind: Kind.NAME, value: sizeName } as const;
        const value = { kind: Kind.INT, value: String(size) } as const;
        // Ahead of the others: the rule looks at the first that is a size.
        return { ...node, arguments: [{ kind: Kind.ARGUMENT, name, value } as const, ...others] };
      },
    }),
  );
}

function sizeOf(given: ValueNode | undefined, operation: Asked['operation'], variables: Asked['variables']): unknown {
  if (given?.kind !== Kind.VARIABLE) return literal(given);
  const name = given.name.value;
  if (variables[name] !== undefined) return variables[name];
  return literal(operation?.variableDefinitions?.find(({ variable }) => variable.name.value === name)?.defaultValue);
}

function literal(value: ValueNode | ConstValueNode | undefined): string | undefined {
  return value?.kind === Kind.INT ? value.value : undefined;
}
