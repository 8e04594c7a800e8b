import { ApolloLink } from '@apollo/client';
import { print } from 'graphql';
import { type Client, createClient } from 'graphql-ws';
import { Observable } from 'rxjs';
import { session } from './session.ts';

/** Whether the live connection stands, for the screens that show it. */
export const connection = {
  isOpen: false,
  listeners: new Set<() => void>(),
  subscribe(listener: () => void): () => void {
    connection.listeners.add(listener);
    return () => connection.listeners.delete(listener);
  },
};

function connectionIs(isOpen: boolean): void {
  connection.isOpen = isOpen;
  for (const listener of connection.listeners) listener();
}

/** Subscriptions over one WebSocket, opened when the first begins. It comes back by itself, at most every ten seconds. */
export function followLink(): ApolloLink {
  const client = createClient({
    url: `${window.location.protocol === 'https:' ? 'wss' : 'ws'}://${window.location.host}/graphql`,
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: (tries) => new Promise((resolve) => setTimeout(resolve, Math.min(10_000, 500 * 2 ** tries))),
    shouldRetry: () => true,
    keepAlive: 20_000,
    on: { connected: () => connectionIs(true), closed: () => closed() },
  });
  return new ApolloLink((operation) => follow(client, operation));
}

/** A refused handshake does not say why: an ordinary call finds out whether the login is over. */
function closed(): void {
  connectionIs(false);
  void fetch('/api/me', { headers: { 'X-OneCLI-Client': 'dashboard' } })
    .then(({ status }) => status === 401 && session.expire())
    .catch(() => undefined);
}

/** After a reconnection it goes on behind the last event that came: each comes once, and none is missed. */
function follow(client: Client, operation: ApolloLink.Operation): Observable<ApolloLink.Result> {
  return new Observable((observer) => {
    const variables = { ...operation.variables };
    const payload = { query: print(operation.query), variables, operationName: operation.operationName ?? null };
    return client.subscribe<Record<string, unknown>>(payload, {
      next: (result) => {
        const [event] = Object.values(result.data ?? {}) as ({ cursor?: string } | null)[];
        if (event?.cursor !== undefined) variables['after'] = event.cursor;
        observer.next(result as ApolloLink.Result);
      },
      error: (error) => observer.error(error),
      complete: () => observer.complete(),
    });
  });
}
