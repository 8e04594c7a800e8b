import type { ApolloServerPlugin } from '@apollo/server';
import type { GraphqlContext } from './graphql-context.ts';

const ofRequest: ReadonlySet<unknown> = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
]);

/**
 * A client that accepts `application/json` alone takes a status other than 200 for an answer of something in between, and may not
 * read it: what is wrong with its document is told with 200 (GraphQL over HTTP, section 6.4.1).
 */
export const plainJsonPlugin: ApolloServerPlugin<GraphqlContext> = {
  requestDidStart: () =>
    Promise.resolve({
      willSendResponse: ({ request, response: { http, body } }) => {
        const accept = request.http?.headers.get('accept') ?? '';
        const isPlain = accept.includes('application/json') && !/graphql-response\+json|\*\/\*/.test(accept);
        const errors = body.kind === 'single' ? (body.singleResult.errors ?? []) : [];
        if (isPlain && errors.length > 0 && errors.every(({ extensions }) => ofRequest.has(extensions?.['code'])))
          http.status = 200;
        return Promise.resolve();
      },
    }),
};
