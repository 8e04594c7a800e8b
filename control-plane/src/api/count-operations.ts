import type { ApolloServerPlugin } from '@apollo/server';
import type { Metrics } from '../health/metrics.ts';

/** Counts GraphQL operations by their type, and whether they had errors. */
export function countOperations(metrics: Metrics): ApolloServerPlugin {
  return {
    requestDidStart: () =>
      Promise.resolve({
        willSendResponse: ({ operation, errors }) => {
          metrics.graphqlAnswered(operation?.operation ?? 'invalid', errors !== undefined && errors.length > 0);
          return Promise.resolve();
        },
      }),
  };
}
