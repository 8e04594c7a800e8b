import { createRequire } from 'node:module';

interface Parser {
  execute(data: Buffer): void;
  returnFatalError(error: Error): void;
}

/**
 * Makes what a server sends unable to end the process. Replies that are out of place (an empty push, a null that nobody asked for, an
 * array longer than there can be) make ioredis's parser, or what ioredis does with its result, throw, and that happens in an event of a socket, where
 * nobody catches it. After this, such a connection fails as one does whose bytes are no RESP at all, and another one takes its place. It holds
 * for every connection of ioredis in this process, those too that ioredis and BullMQ open by themselves.
 */
export function guardParser(): void {
  if (isGuarded) return;
  isGuarded = true;
  // The very parser that ioredis has, wherever it is installed.
  const here = createRequire(import.meta.url);
  const { prototype } = createRequire(here.resolve('ioredis'))('redis-parser') as { prototype: Parser };
  const { execute } = prototype;
  prototype.execute = function guarded(this: Parser, data: Buffer): void {
    try {
      execute.call(this, data);
    } catch (error) {
      this.returnFatalError(error instanceof Error ? error : new Error(String(error)));
    }
  };
}

let isGuarded = false;
