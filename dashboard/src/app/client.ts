import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, ServerError } from '@apollo/client';
import { OperationTypeNode } from 'graphql';
import { catchError, from, switchMap, throwError } from 'rxjs';
import { followLink } from './follow-link.ts';
import { clientHeaders, session } from './session.ts';

/** A call that is refused because the login is over waits until there is one, and is made again: nothing that was typed is lost. */
const loginLink = new ApolloLink((operation, forward) =>
  forward(operation).pipe(
    catchError((error: unknown) => {
      if (!ServerError.is(error) || error.statusCode !== 401) return throwError(() => error);
      session.expire();
      return from(session.whenSignedIn()).pipe(switchMap(() => forward(operation)));
    }),
  ),
);

const callLink = ApolloLink.from([loginLink, new HttpLink({ uri: '/graphql', headers: clientHeaders })]);

export const client = new ApolloClient({
  link: ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    followLink(),
    callLink,
  ),
  cache: new InMemoryCache({
    // Events are many, and each is read once: they are kept by the screen that shows them.
    typePolicies: { AuditEvent: { keyFields: false }, Query: { fields: { auditEvents: { merge: false } } } },
  }),
  defaultOptions: { watchQuery: { fetchPolicy: 'cache-and-network' } },
});
