import 'reflect-metadata';
import { ArgsType, type ClassType, Field, Int, ObjectType } from 'type-graphql';
import type { Page } from '../configuration/page.ts';
import { defaultLimit, maxLimit, pageRange } from './page-query.ts';

@ObjectType()
export class PageInfo {
  @Field(() => Boolean)
  hasNextPage: boolean;

  @Field(() => String, { nullable: true, description: 'The `after` of the next page; null for an empty page.' })
  endCursor: string | null;
}

/** A list by the Relay cursor connections specification, forwards. */
export interface Connection<T> {
  edges: { cursor: string; node: T }[];
  nodes: T[];
  pageInfo: PageInfo;
}

/** The GraphQL type of a connection of `node`. */
export function connectionType<T extends object>(node: ClassType<T>, name: string): ClassType<Connection<T>> {
  @ObjectType(`${name}Edge`)
  class NodeEdge {
    @Field(() => String, { description: 'Stays good while the list changes.' })
    cursor: string;

    @Field(() => node)
    node: T;
  }

  @ObjectType(`${name}Connection`)
  class NodeConnection implements Connection<T> {
    @Field(() => [NodeEdge])
    edges: NodeEdge[];

    @Field(() => [node], { description: 'The nodes of the edges.' })
    nodes: T[];

    @Field(() => PageInfo)
    pageInfo: PageInfo;
  }
  return NodeConnection;
}

@ArgsType()
export class ConnectionArguments {
  @Field(() => String, { nullable: true, description: 'An `endCursor`, or the cursor of an edge.' })
  after?: string | null;

  @Field(() => Int, { defaultValue: defaultLimit, description: `At most so many nodes, 1-${maxLimit}.` })
  first: number;
}

/** The page that arguments ask for. @throws Fault INVALID */
export function pageOf({ after, first }: ConnectionArguments): { after: string | undefined; limit: number } {
  return { after: after ?? undefined, limit: pageRange(first, 'first') };
}

/** A page as a connection. */
export function connectionOf<T, N>(
  { items, next }: Page<T> | { readonly items: readonly T[]; readonly next: string | null | undefined },
  show: (item: T) => N,
  cursorOf: (item: T) => string,
): Connection<N> {
  const edges = items.map((item) => ({ cursor: cursorOf(item), node: show(item) }));
  const pageInfo = { hasNextPage: next != null, endCursor: edges.at(-1)?.cursor ?? null };
  return { edges, nodes: edges.map(({ node }) => node), pageInfo };
}
