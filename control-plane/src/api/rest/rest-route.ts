import type { FaultCode } from '@onecli/shared/fault';
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { Action } from '../../auth/actions.ts';
import type { Principal } from '../../auth/principal.ts';
import type { WriteOptions } from '../../configuration/written.ts';
import { waitForm, withApplied } from './waited-write.ts';

export type RestMethod = 'get' | 'post' | 'put' | 'delete';

/** One call of a route, checked against what the route declares. */
interface Call<Parameter extends string, Query extends z.ZodType, Body extends z.ZodType> {
  /** Who calls. @throws Error on a public route */
  readonly principal: Principal;
  readonly params: Readonly<Record<Parameter, string>>;
  readonly query: z.output<Query>;
  /** Of a write that is conditional: what its `If-Match` asks for. */
  readonly conditions: WriteOptions;
  /** As it came, and good: services parse it once more, into what they keep. */
  readonly body: z.input<Body>;
  /** For what stands in the head of a request or an answer: cookies. */
  readonly exchange: { readonly request: Request; readonly response: Response };
}

type ParametersOf<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParametersOf<Rest>
  : never;

/** What a schema describes, as a service may give it: lists that nobody may alter, dates that JSON writes as text. */
type Shown<T> = T extends Date
  ? Date
  : T extends readonly (infer Item)[]
    ? readonly Shown<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]: Shown<T[Key]> }
      : T;

/** What a route declares, beside what it does. Both the Express route and its part of the OpenAPI document are made of it. */
interface Declaration {
  readonly method: RestMethod;
  /** Below `/api`, its parameters in braces: `/secrets/{name}`. */
  readonly path: string;
  /** The operation's id in the document; unique. */
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  /** What the principal must be allowed to do, `login` for whoever has one, `public` for anybody. */
  readonly access: Action | 'login' | 'public';
  /** Of the answer when all is well; an answer of 204 has no body. */
  readonly status: 200 | 201 | 204;
  /** Media types of an answer that is no JSON value: `handle` writes it, as it is made. */
  readonly streams?: readonly string[];
  /** What it gives has an `ETag`; what it writes is held against an `If-Match` (RFC 9110, section 13.1.1). */
  readonly isConditional?: true;
  /** It writes what workers apply, and tells the revision: with `wait=all` it is answered when they have. */
  readonly isWaitable?: true;
  /** What it may refuse beside what any route of its kind may. */
  readonly faults?: readonly FaultCode[];
}

/** What a handler gives: what is declared, or, where no body is, at most what was written. */
type GivenFor<Answer extends z.ZodType> = Answer extends z.ZodUndefined
  ? { readonly revision: number } | undefined
  : Shown<z.output<Answer>>;

interface Definition<
  Path extends string,
  Query extends z.ZodType,
  Body extends z.ZodType,
  Answer extends z.ZodType,
  Given extends GivenFor<Answer>,
> extends Declaration {
  readonly path: Path;
  readonly query?: Query;
  readonly body?: Body;
  readonly answer?: Answer;
  /** Another status with the same body, where what the body says decides. */
  readonly otherwise?: {
    readonly status: number;
    readonly summary: string;
    readonly applies: (answer: Shown<z.output<Answer>>) => boolean;
  };
  readonly handle: (call: Call<ParametersOf<Path>, Query, Body>) => Promise<Given>;
}

/** A route of the table. */
export interface RestRoute extends Declaration {
  readonly query: z.ZodType;
  readonly body: z.ZodType;
  readonly answer: z.ZodType | undefined;
  readonly otherwise:
    | { readonly status: number; readonly summary: string; readonly applies: (answer: unknown) => boolean }
    | undefined;
  readonly handle: (call: Call<string, z.ZodType, z.ZodType>) => Promise<unknown>;
}

const nothing = z.strictObject({});

/** Fields, also of a page's items, that are given and not declared. TypeScript by itself lets them pass. */
type Undeclared<Given, Declared> = [Declared] extends [undefined]
  ? never
  : Given extends { readonly items: readonly (infer Item)[] }
    ? Declared extends { readonly items: readonly (infer DeclaredItem)[] }
      ? Exclude<keyof Item, keyof DeclaredItem>
      : never
    : Exclude<Extract<keyof Given, string>, keyof Declared>;

interface UndeclaredFields<Names> {
  readonly fieldsThatTheAnswerDoesNotDeclare: Names;
}

/**
 * Declares a route: `handle` gets what `path`, `query` and `body` say, and must give what `answer` says. Without a query or a body
 * it takes none, so that a misspelt parameter is refused.
 */
export function restRoute<
  const Path extends string,
  Query extends z.ZodType = typeof nothing,
  Body extends z.ZodType = typeof nothing,
  Answer extends z.ZodType = z.ZodUndefined,
  Given extends GivenFor<Answer> = GivenFor<Answer>,
>(
  definition: Definition<Path, Query, Body, Answer, Given>,
): [Undeclared<Given, z.output<Answer>>] extends [never]
  ? RestRoute
  : UndeclaredFields<Undeclared<Given, z.output<Answer>>>;
export function restRoute(definition: Partial<Pick<RestRoute, 'query' | 'body' | 'answer' | 'isWaitable'>>): object {
  const { query = nothing, body = nothing, answer, isWaitable } = definition;
  if (!isWaitable) return { ...definition, query, body };
  if (!(query instanceof z.ZodObject)) throw new Error('A write takes its query parameters by their names');
  return { ...definition, query: query.extend(waitForm.shape), body, ...(answer && { answer: withApplied(answer) }) };
}
