import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { exitCodes } from '@onecli/shared/exit-codes';
import { closeKeyDescriptor } from '../data-folder/hand-over-key.ts';
import { waitFor } from '../wait-for.ts';
import type { ChildLog } from './child-log.ts';
import type { SharedHandle } from './listening-port.ts';

const firstDelayMs = 100;
const longestDelayMs = 5_000;
/** A child that lived this long was well: its next restart is quick again. */
const healthyLifeMs = 10_000;
/** stdin, stdout, stderr, IPC, and then the key. */
export const keyDescriptor = 4;

/** What a child runs: one of our own programs, which says when it serves, or another, which does not. */
export type Program =
  | { readonly kind: 'node'; readonly main: string; readonly flags?: readonly string[] }
  | {
      readonly kind: 'other';
      readonly file: string;
      readonly args: readonly string[];
      /** What it reads on its standard input, such as settings that its arguments must not show. */
      readonly input?: string;
    };

export interface ChildSpec {
  readonly name: string;
  readonly program: Program;
  /** All of the child's environment. */
  readonly environment: () => Record<string, string>;
  /** A descriptor to pass as number 4, opened for each start; closed here. */
  readonly openKey?: () => number;
  /** A bound socket to hand over, which the child listens on when it can serve. */
  readonly listener?: SharedHandle;
  /** What it gets to end by itself when it is asked to. */
  readonly stopPatienceMs: number;
  readonly log: ChildLog;
  /** Called each time the child says that it serves. */
  readonly onReady?: () => void;
  /** Called instead of a restart when the child ends with a code that no restart changes. */
  readonly onHopeless: (exitCode: number) => void;
}

/** One child process that is started again, after a growing pause, whenever it ends by itself. */
export class SupervisedChild {
  readonly #spec: ChildSpec;
  #process: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #delayMs = firstDelayMs;
  #isStopping = false;

  constructor(spec: ChildSpec) {
    this.#spec = spec;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Starts it, also after a `stop`. Does nothing while it runs. */
  start(): void {
    if (this.#process !== undefined) return;
    const { log, listener, openKey } = this.#spec;
    this.#isStopping = false;
    clearTimeout(this.#timer);
    const key = openKey?.();
    const startedAt = performance.now();
    const child = this.#spawn(key);
    closeKeyDescriptor(key);
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) if (stream !== null) log.follow(stream);
    child.on('message', (message) => {
      if (isReadyMessage(message)) this.#spec.onReady?.();
    });
    child.on('error', (error) => log.note(String(error)));
    // `close` comes after the last of its output, so that a reason is printed before what follows from it.
    child.once('close', (code) => this.#ended(code, performance.now() - startedAt));
    // A child that dies at once cannot take the message; its end is handled above.
    if (listener !== undefined) child.send('listener', listener, () => undefined);
  }

  #spawn(key: number | undefined): ChildProcess {
    const { program } = this.#spec;
    // A session of its own: Ctrl-C reaches the supervisor alone, which stops its children in order.
    const options = { env: this.#spec.environment(), detached: true };
    if (program.kind === 'node') {
      const stdio: SpawnOptions['stdio'] = ['ignore', 'pipe', 'pipe', 'ipc', ...(key === undefined ? [] : [key])];
      return spawn(process.execPath, [...(program.flags ?? []), program.main], { ...options, stdio });
    }
    const child = spawn(program.file, [...program.args], { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
    // It may end before it has read what it was given; its end is handled.
    child.stdin.on('error', () => undefined).end(program.input);
    return child;
  }

  /** Asks the child to end, and makes it end when it has not in time. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    const child = this.#process;
    if (child === undefined) return;
    child.kill('SIGTERM');
    const hasEnded = () => this.#process === undefined;
    const { stopPatienceMs } = this.#spec;
    if (await waitFor(hasEnded, { timeoutMs: stopPatienceMs })) return;
    child.kill('SIGKILL');
    await waitFor(hasEnded, { timeoutMs: stopPatienceMs });
  }

  kill(): void {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    this.#process?.kill('SIGKILL');
  }

  #ended(code: number | null, lifeMs: number): void {
    const signal = this.#process?.signalCode;
    this.#process = undefined;
    if (this.#isStopping) return;
    if (code === exitCodes.wrong || code === exitCodes.taken) {
      this.#spec.onHopeless(code);
      return;
    }
    if (lifeMs >= healthyLifeMs) this.#delayMs = firstDelayMs;
    this.#spec.log.note(`ended (${code ?? signal}); starting again in ${this.#delayMs} ms`);
    this.#timer = setTimeout(() => this.start(), this.#delayMs);
    this.#delayMs = Math.min(this.#delayMs * 2, longestDelayMs);
  }
}

function isReadyMessage(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'ready';
}
