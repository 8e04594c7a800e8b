/*
 * Completes a value whose fields are all plain properties, as graphql-js would, but by a plan that is made once of the selection and then
 * run for each object: graphql-js looks at each field of each object anew, which was most of what a page of policies cost.
 */
// The CommonJS form, as type-graphql has it: graphql refuses types that another copy of it made.
import { collectSubfields } from 'graphql/execution/collectFields.js';
import {
  type FieldNode,
  GraphQLError,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql/index.js';

type Complete = (value: unknown) => unknown;
type Asked = Pick<GraphQLResolveInfo, 'schema' | 'fragments' | 'variableValues'>;

/** Whether all that a value of a type holds are plain properties: no field has a resolver or arguments, and no type is abstract. */
export function isPlain(type: GraphQLOutputType, seen = new Set<GraphQLOutputType>()): boolean {
  if (isNonNullType(type) || isListType(type)) return isPlain(type.ofType, seen);
  if (isLeafType(type) || seen.has(type)) return true;
  seen.add(type);
  return (
    isObjectType(type) &&
    Object.values(type.getFields()).every(
      (field) => field.resolve === undefined && field.args.length === 0 && isPlain(field.type, seen),
    )
  );
}

/**
 * What completes values of a plain type by what field nodes select. It throws for a value that does not fit, and for one that graphql-js
 * would look into further, as a promise and an Error are: what has to become of such a value is left to graphql-js.
 */
export function projection(type: GraphQLOutputType, nodes: readonly FieldNode[], asked: Asked): Complete {
  if (!isNonNullType(type)) return orNull(presentProjection(type, nodes, asked));
  const complete = presentProjection(type.ofType, nodes, asked);
  return (value) => {
    if (value === null || value === undefined)
      throw new GraphQLError(`Cannot return null for non-nullable field ${nodes[0]?.name.value}.`);
    return complete(value);
  };
}

function orNull(complete: Complete): Complete {
  return (value) => (value === null || value === undefined ? null : complete(value));
}

/** Of a value that is there. */
function presentProjection(type: GraphQLOutputType, nodes: readonly FieldNode[], asked: Asked): Complete {
  if (isListType(type)) return listProjection(projection(type.ofType, nodes, asked));
  if (isObjectType(type)) return objectProjection(type, nodes, asked);
  if (isLeafType(type)) return leafProjection(type);
  throw new Error(`${String(type)} is not plain`);
}

function listProjection(complete: Complete): Complete {
  return (value) => {
    if (!Array.isArray(value)) throw new GraphQLError('A list is none');
    return value.map((each) => complete(each));
  };
}

/** A leaf may be any object; neither a promise nor an Error is a value. */
function refuseUnsettled(value: object): void {
  if (value instanceof Error) throw value;
  if (!('then' in value) || typeof value.then !== 'function') return;
  // Nobody looks at this one any more: what it fails with would end the process.
  Promise.resolve(value).catch(() => undefined);
  throw new GraphQLError('A value is a promise');
}

function leafProjection(type: GraphQLLeafType): Complete {
  const serialize = (value: unknown): unknown => {
    if (typeof value === 'object' && value !== null) refuseUnsettled(value);
    const shown = type.serialize(value);
    if (shown === null || shown === undefined) throw new GraphQLError(`A value is no ${type.name}`);
    return shown;
  };
  if (type.name !== 'String' && type.name !== 'ID') return serialize;
  return (value) => (typeof value === 'string' ? value : serialize(value));
}

function objectProjection(type: GraphQLObjectType, nodes: readonly FieldNode[], asked: Asked): Complete {
  const { schema, fragments, variableValues } = asked;
  const selected = collectSubfields(schema, fragments, variableValues, type, nodes);
  const fields = type.getFields();
  const parts = [...selected].flatMap(([key, [first, ...others]]) => {
    const name = first?.name.value ?? '';
    if (first !== undefined && name === '__typename') return [{ key, name, complete: () => type.name }];
    const field = fields[name];
    if (first === undefined || field === undefined) return [];
    return [{ key, name, complete: projection(field.type, [first, ...others], asked) }];
  });
  // An alias may be `__proto__`: of a plain object that would be no property. Others are faster to write as text.
  const isProperty = !selected.has('__proto__');
  return (value) => {
    if (typeof value !== 'object' || value === null) throw new GraphQLError(`A value is no ${type.name}`);
    refuseUnsettled(value);
    const made: Record<string, unknown> = isProperty ? {} : Object.create(null);
    for (const { key, name, complete } of parts) made[key] = complete((value as Record<string, unknown>)[name]);
    return made;
  };
}
