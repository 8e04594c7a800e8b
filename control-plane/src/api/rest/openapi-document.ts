import { type FaultCode, faultCodes, faultOf } from '@onecli/shared/fault';
import { productVersion } from '@onecli/shared/version';
import { z } from 'zod';
import { type JsonSchema, JsonSchemas } from './json-schemas.ts';
import type { RestRoute } from './rest-route.ts';
import { waitedAnswer } from './waited-write.ts';

const faultAnswer = z
  .strictObject({
    error: z.strictObject({
      code: z.enum(faultCodes),
      message: z.string(),
      hint: z.string(),
      field: z.string().optional().meta({ description: 'The field that is wrong, as `rules[0].allow.hosts[1]`.' }),
      requestId: z.string(),
    }),
  })
  .meta({ id: 'Fault' });

const headers = {
  'X-Request-Id': { description: 'Finds the call in the log and in its admin event.', schema: { type: 'string' } },
};

/** An OpenAPI document, as far as anybody here looks into it. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: Readonly<Record<string, unknown>>;
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly [field: string]: unknown;
}

/** The OpenAPI 3.1 document of a table of routes. */
export function openApiDocument(routes: readonly RestRoute[]): OpenApiDocument {
  const schemas = new JsonSchemas();
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) (paths[`/api${route.path}`] ??= {})[route.method] = operationOf(route, schemas);
  return {
    openapi: '3.1.1',
    info: {
      title: 'OneCLI',
      version: productVersion,
      description:
        'The REST API of the control plane. Names stand URL-encoded in a path: `prod/openai` is `prod%2Fopenai`. No answer has a secret’s value.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map(tagOf))].map((name) => ({ name })),
    security: [{ basic: [] }, { bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        basic: { type: 'http', scheme: 'basic', description: 'A user’s name and password.' },
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key, or this machine’s local access token.' },
      },
      schemas: schemas.components,
    },
  };
}

function operationOf(route: RestRoute, schemas: JsonSchemas): object {
  const { id, summary, description, access, body } = route;
  const bodySchema = schemas.ofInput(body);
  return {
    operationId: id,
    tags: [tagOf(route)],
    summary,
    ...(description !== undefined && { description }),
    ...(access === 'public' ? { security: [] } : { 'x-onecli-action': access }),
    parameters: [...pathParameters(route), ...queryParameters(route, schemas), ...conditionParameters(route)],
    ...(hasBody(route) && {
      requestBody: {
        required: !body.safeParse({}).success,
        content: { 'application/json': { schema: bodySchema } },
      },
    }),
    responses: { ...goodAnswers(route, schemas), ...refusals(route, schemas) },
  };
}

function tagOf({ path }: RestRoute): string {
  return path.split('/')[1] ?? '';
}

function hasBody({ body }: RestRoute): boolean {
  return !(body instanceof z.ZodObject) || Object.keys(body.shape).length > 0;
}

function pathParameters({ path }: RestRoute): object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters({ query }: RestRoute, schemas: JsonSchemas): object[] {
  const { properties = {}, required = [] } = schemas.ofInput(query) as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    ...(description !== undefined && { description }),
    schema,
  }));
}

function conditionParameters({ isConditional, method }: RestRoute): object[] {
  if (!isConditional || method === 'get') return [];
  const description =
    'An ETag, or several, or `*`: refused with 412 when the object was written since, or is not there.';
  return [{ name: 'If-Match', in: 'header', required: false, description, schema: { type: 'string' } }];
}

const entityTag = { ETag: { description: 'For `If-Match` of a write.', schema: { type: 'string' } } };

function goodAnswers(route: RestRoute, schemas: JsonSchemas): Record<string, object> {
  const { status, summary, answer, streams, otherwise, isConditional, isWaitable, method } = route;
  const given = { ...headers, ...(isConditional && method === 'get' && entityTag) };
  const content = streams
    ? { content: Object.fromEntries(streams.map((type) => [type, { schema: { type: 'string' } }])) }
    : answer && { content: { 'application/json': { schema: schemas.ofAnswer(answer) } } };
  return {
    [status]: { description: summary, headers: given, ...content },
    ...(isWaitable &&
      answer === undefined && {
        200: {
          description: `${summary}; with \`wait=all\``,
          headers,
          content: { 'application/json': { schema: schemas.ofAnswer(waitedAnswer) } },
        },
      }),
    ...(otherwise && { [otherwise.status]: { description: otherwise.summary, headers, ...content } }),
  };
}

/** Faults by their status, each with the codes that it may have here. */
function refusals(route: RestRoute, schemas: JsonSchemas): Record<string, object> {
  const reference = schemas.ofAnswer(faultAnswer);
  const byStatus = new Map<number, FaultCode[]>();
  for (const code of faultsOf(route)) {
    const { status } = faultOf(code);
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const answers = [...byStatus].sort(([one], [other]) => one - other);
  return Object.fromEntries(answers.map(([status, codes]) => [status, refusal(codes, reference)]));
}

function refusal(codes: readonly FaultCode[], reference: JsonSchema): object {
  const narrowed = { properties: { error: { properties: { code: { enum: codes } } } } };
  const text = codes.map((code) => `\`${code}\`: ${faultOf(code).hint}`).join('\n\n');
  return {
    description: text,
    headers,
    content: { 'application/json': { schema: { allOf: [reference, narrowed] } } },
  };
}

const always = ['INVALID', 'INTERNAL'] as const;
const signedIn = ['UNAUTHENTICATED', 'TOO_MANY_LOGINS', 'FORBIDDEN', 'NOT_READY'] as const;
const writes = ['BAD_REQUEST', 'TOO_LARGE', 'UNSUPPORTED_MEDIA', 'CONFLICT', 'FORBIDDEN', 'OVERLOADED'] as const;

function faultsOf({ access, method, path, isConditional, faults = [] }: RestRoute): Set<FaultCode> {
  return new Set<FaultCode>([
    ...always,
    ...(access === 'public' ? [] : signedIn),
    ...(method === 'get' ? [] : writes),
    ...(path.includes('{') && method !== 'delete' ? (['NOT_FOUND'] as const) : []),
    ...(isConditional && method !== 'get' ? (['PRECONDITION_FAILED'] as const) : []),
    ...faults,
  ]);
}
