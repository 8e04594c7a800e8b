import { appendFileSync, existsSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { z } from 'zod';

const maxLogBytes = 10 * 1024 * 1024;
const maxLineCharacters = 16 * 1024;
/** pino's numbers, which a process may write as names too. */
const levelNumbers: Readonly<Record<string, number>> = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  fatal: 60,
};
const warnLevel = 40;
const logLine = z.object({
  level: z.union([z.number(), z.string()]),
  msg: z.string().optional(),
  err: z.object({ message: z.string() }).optional(),
});

/**
 * Takes a child's output line by line: all of it into `<logs>/<name>.log`, which is moved to `.log.1` when it has grown to
 * 10 MB, and on the terminal warnings, errors and whatever is not a log record (a message about configuration, a stack).
 */
export class ChildLog {
  readonly #path: string;
  readonly #name: string;
  readonly #print: (line: string) => void;
  readonly #isChildQuiet: boolean;
  #bytes: number;

  /** @param isChildQuiet what the child says is kept, and nobody is shown it */
  constructor(logsDir: string, name: string, print: (line: string) => void, isChildQuiet = false) {
    this.#isChildQuiet = isChildQuiet;
    this.#path = join(logsDir, `${name}.log`);
    this.#name = name;
    this.#print = print;
    this.#bytes = existsSync(this.#path) ? statSync(this.#path).size : 0;
  }

  /** Reads the stream to its end. */
  follow(stream: Readable): void {
    createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) => this.take(line));
  }

  take(line: string): void {
    const bounded = line.length > maxLineCharacters ? `${line.slice(0, maxLineCharacters)}…` : line;
    this.#append(`${bounded}\n`);
    const shown = this.#isChildQuiet ? undefined : describeLine(bounded);
    if (shown !== undefined) this.#print(`${this.#name}: ${shown}`);
  }

  /** What is to be said of the child, not by it. */
  note(line: string): void {
    this.#append(`${line}\n`);
    this.#print(`${this.#name}: ${line}`);
  }

  #append(text: string): void {
    const bytes = Buffer.byteLength(text);
    if (this.#bytes + bytes > maxLogBytes) {
      if (existsSync(this.#path)) renameSync(this.#path, `${this.#path}.1`);
      this.#bytes = 0;
    }
    appendFileSync(this.#path, text, { mode: 0o600 });
    this.#bytes += bytes;
  }
}

/** What of a line a person at the terminal should see, or undefined. */
export function describeLine(line: string): string | undefined {
  if (!line.startsWith('{')) return line.trim() === '' ? undefined : line;
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return line;
  }
  const parsed = logLine.safeParse(json);
  if (!parsed.success) return line;
  const { level, msg, err } = parsed.data;
  const severity = typeof level === 'number' ? level : (levelNumbers[level] ?? warnLevel);
  if (severity < warnLevel) return undefined;
  return [msg, err?.message].filter((part) => part !== undefined && part !== '').join(': ') || line;
}
