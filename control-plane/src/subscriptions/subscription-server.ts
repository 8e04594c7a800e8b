/**
 * Subscriptions by the protocol graphql-transport-ws, on the path of GraphQL. Whoever connects has signed in at the upgrade
 * as for any request, and is looked up again every few seconds: who may no longer, is disconnected. Sources are pulled, one
 * batch when the one before has left, so that a slow reader holds nothing up but itself, and is ended when it reads nothing.
 */
import type { IncomingMessage } from 'node:http';
import { Fault } from '@onecli/shared/fault';
import type { ExecutionArgs, GraphQLFormattedError } from 'graphql';
import { execute, GraphQLError, type GraphQLSchema, subscribe, type ValidationRule } from 'graphql/index.js';
import { CloseCode, handleProtocols, makeServer, type Server } from 'graphql-ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { formatGraphqlError } from '../api/format-graphql-error.ts';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { toFault } from '../api/to-fault.ts';
import { nameOf } from '../auth/few-at-once.ts';
import type { Principal } from '../auth/principal.ts';
import { ConnectionLimits, MessageBudget } from './connection-limits.ts';
import { SubscriptionRules, withRequestCode } from './run-subscription.ts';
import type { UpgradeOffer } from './upgrade-offer.ts';

const maxMessageBytes = 64 * 1024;
const maxSubscriptions = 20;
const initTimeoutMs = 5_000;
const lookAgainEveryMs = 2_000;
const pingEveryMs = 12_000;
const defaultSendTimeoutMs = 15_000;
const forbidden = 4403;
const tooMany = 4429;

/** Who is connected, and how to find out whether he still may be. */
export interface Caller {
  readonly context: GraphqlContext;
  readonly signInAgain: () => Promise<Principal>;
}

interface Extra {
  readonly context: GraphqlContext;
}

export interface SubscriptionOptions {
  readonly schema: GraphQLSchema;
  readonly limits: readonly ValidationRule[];
  readonly log: Logger;
  /** Hears of errors, with who is told them. */
  readonly refused?: (error: GraphQLError, context: GraphqlContext) => Promise<void>;
  /** Hears of each operation once: that it has begun, or has not. */
  readonly answered?: (type: 'subscription' | 'invalid', hasErrors: boolean) => void;
  /** How long a text may wait for its reader; default 15 s. */
  readonly sendTimeoutMs?: number;
}

export class SubscriptionServer {
  readonly #log: Logger;
  readonly #sendTimeoutMs: number;
  readonly #limits = new ConnectionLimits();
  readonly #sockets = new WebSocketServer({
    noServer: true,
    clientTracking: true,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    handleProtocols,
  });
  readonly #protocol: Server<Extra>;

  constructor({ schema, limits, log, refused, answered, sendTimeoutMs = defaultSendTimeoutMs }: SubscriptionOptions) {
    this.#log = log;
    this.#sendTimeoutMs = sendTimeoutMs;
    const rules = new SubscriptionRules(schema, limits);
    this.#protocol = makeServer<never, Extra>({
      connectionInitWaitTimeout: initTimeoutMs,
      // Our own copy of graphql made the schema.
      execute: (args) => execute(args as never) as never,
      subscribe: (args) => subscribe(args as never) as never,
      onSubscribe: ({ extra, subscriptions }, _id, payload) => {
        const isOneTooMany = Object.keys(subscriptions).length > maxSubscriptions;
        const prepared = isOneTooMany ? [tooManySubscriptions()] : rules.prepare(payload, extra.context);
        if (Array.isArray(prepared)) answered?.('invalid', true);
        return prepared as ExecutionArgs | readonly GraphQLError[];
      },
      onOperation: (_context, _id, _payload, _args, result) =>
        answered?.('subscription', !(Symbol.asyncIterator in (result as object))),
      onError: async ({ extra: { context } }, _id, _payload, errors) => {
        for (const error of errors) await refused?.(error, context);
        return errors.map((error) => this.#format(error));
      },
      onNext: async ({ extra: { context } }, _id, _payload, _args, { data = null, errors }) => {
        if (errors === undefined) return undefined;
        for (const error of errors) await refused?.(error, context);
        return { data, errors: errors.map((error) => this.#format(error)) };
      },
    });
  }

  /** Takes a connection over, until it ends. @throws Fault OVERLOADED; BAD_REQUEST for one that speaks something else */
  accept(request: IncomingMessage, take: () => UpgradeOffer, caller: Caller): void {
    const protocols = request.headers['sec-websocket-protocol'] ?? '';
    if (!protocols.split(',').some((name) => name.trim() === 'graphql-transport-ws'))
      throw new Fault('BAD_REQUEST', 'The protocol of a WebSocket here is graphql-transport-ws');
    const leave = this.#limits.take(nameOf(caller.context.principal));
    const { socket, head } = take();
    socket.once('close', leave);
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => this.#serve(webSocket, caller));
  }

  /** Ends every connection. */
  close(): void {
    for (const socket of this.#sockets.clients) socket.close(1001, 'Going away');
    for (const socket of this.#sockets.clients) socket.terminate();
  }

  #serve(socket: WebSocket, { context, signInAgain }: Caller): void {
    let principal = context.principal;
    const live: GraphqlContext = {
      ...context,
      get principal() {
        return principal;
      },
    };
    const closed = this.#protocol.opened(
      {
        protocol: socket.protocol,
        send: (text) => send(socket, text, this.#sendTimeoutMs),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (heard) => this.#hear(socket, heard),
      },
      { context: live },
    );
    const looking = setInterval(() => {
      signInAgain().then(
        (again) => (principal = again),
        (error: unknown) => {
          // While nobody can be asked, nothing can be read either.
          if (toFault(error).status < 500) this.#end(socket, error);
        },
      );
    }, lookAgainEveryMs);
    const pinging = keepAlive(socket);
    // A frame that is none: `ws` closes the connection by itself.
    socket.on('error', () => undefined);
    socket.once('close', (code, reason) => {
      for (const timer of [looking, pinging]) clearInterval(timer);
      void closed(code, String(reason));
    });
  }

  #hear(socket: WebSocket, heard: (text: string) => Promise<void>): void {
    const budget = new MessageBudget();
    socket.on('message', (data) => {
      if (!budget.take(performance.now())) return socket.close(tooMany, 'Too many messages');
      heard(String(data)).catch((error: unknown) => this.#end(socket, error));
    });
  }

  #end(socket: WebSocket, error: unknown): void {
    const fault = toFault(error);
    if (fault.status < 500) return socket.close(forbidden, fault.code);
    this.#log.warn({ err: fault }, 'a subscription ended');
    socket.close(CloseCode.InternalServerError, fault.code);
  }

  #format(error: GraphQLError): GraphQLFormattedError {
    return formatGraphqlError(withRequestCode(error.toJSON()), error, (fault) =>
      this.#log.error({ err: fault }, 'a subscription failed'),
    );
  }
}

/** Ends a connection that does not answer a ping; gives the timer. */
function keepAlive(socket: WebSocket): NodeJS.Timeout {
  let isAlive = true;
  socket.on('pong', () => (isAlive = true));
  return setInterval(() => {
    if (!isAlive) return socket.terminate();
    isAlive = false;
    socket.ping();
  }, pingEveryMs);
}

function tooManySubscriptions(): GraphQLError {
  const message = `There are more than ${maxSubscriptions} subscriptions on this connection`;
  return new GraphQLError(message, { extensions: { code: 'OVERLOADED' } });
}

/** Resolves when the text has left; a reader that takes nothing for so long is ended. */
function send(socket: WebSocket, text: string, timeoutMs: number): Promise<void> {
  if (socket.readyState !== socket.OPEN) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.terminate(), timeoutMs);
    socket.send(text, (error) => {
      clearTimeout(timer);
      if (error) reject(error);
      else resolve();
    });
  });
}
