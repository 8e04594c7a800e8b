/** What the tests use of `ws`, which brings no types of its own. */
declare module 'ws' {
  import type { EventEmitter } from 'node:events';
  import type { IncomingMessage } from 'node:http';
  import type { Server } from 'node:https';
  import type { Socket } from 'node:net';

  interface SocketOptions {
    headers?: Record<string, string>;
    perMessageDeflate?: boolean | Record<string, unknown>;
    createConnection?: () => Socket;
  }

  export class WebSocket extends EventEmitter {
    constructor(url: string, protocols: string | string[], options: SocketOptions);
    readonly protocol: string;
    readonly extensions: string;
    send(data: string | Buffer, options?: { fin?: boolean; binary?: boolean; compress?: boolean }): void;
    ping(data?: string): void;
    close(code?: number, reason?: string): void;
    terminate(): void;
  }

  export class WebSocketServer extends EventEmitter {
    constructor(options: {
      server: Server;
      perMessageDeflate?: boolean | Record<string, unknown>;
      maxPayload?: number;
      handleProtocols?: (protocols: Set<string>, request: IncomingMessage) => string | false;
      verifyClient?: (
        info: { req: IncomingMessage },
        done: (isAccepted: boolean, status?: number, message?: string) => void,
      ) => void;
    });
    readonly clients: Set<WebSocket>;
    close(): void;
  }
}
