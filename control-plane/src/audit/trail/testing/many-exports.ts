import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TrailLine } from '@onecli/shared/domain/audit-trail/trail-lines';
import { script, textOf } from './open-trail.ts';

interface Known {
  readonly key: string;
  readonly macKey?: Buffer;
  readonly kept: readonly string[];
}

/** The standalone script over many exports that differ in little from one: in one process, that is told what differs. */
export class ManyExports {
  readonly #folder = mkdtempSync(join(tmpdir(), 'onecli-audit-'));
  readonly #placeOf = new Map<string, number>();
  /** Lines that are the very objects of the whole need no text. */
  readonly #placeOfLine = new Map<TrailLine, number>();
  readonly #process: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor(whole: readonly TrailLine[]) {
    for (const [place, line] of whole.entries()) {
      this.#placeOfLine.set(line, place);
      this.#placeOf.set(JSON.stringify(line), place);
    }
    const file = join(this.#folder, 'whole.jsonl');
    writeFileSync(file, textOf(whole));
    const many = join(import.meta.dirname, 'verify_many.py');
    this.#process = spawn('python3', [many, script, file], { stdio: ['pipe', 'pipe', 'inherit'] });
    if (this.#process.stdout === null) throw new Error('no output');
    this.#answers = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** @returns the index of the first fault that the script names; undefined: it finds the export sound */
  async verify(lines: readonly TrailLine[], { key, macKey, kept }: Known): Promise<number | undefined> {
    const asked = { key, macKey: macKey?.toString('hex') ?? null, kept, lines: this.#pieces(lines) };
    this.#process.stdin?.write(`${JSON.stringify(asked)}\n`);
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error('the script ended');
    return (JSON.parse(value) as { index: number | null }).index ?? undefined;
  }

  async close(): Promise<void> {
    const exit = once(this.#process, 'exit');
    this.#process.stdin?.end();
    await exit;
    rmSync(this.#folder, { recursive: true });
  }

  /** Stretches of the whole as [from, to), and what is not in it as text. */
  #pieces(lines: readonly TrailLine[]): (string | [number, number])[] {
    const pieces: (string | [number, number])[] = [];
    for (const line of lines) {
      let place = this.#placeOfLine.get(line);
      const text = place === undefined ? JSON.stringify(line) : '';
      place ??= this.#placeOf.get(text);
      const last = pieces.at(-1);
      if (place === undefined) pieces.push(text);
      else if (Array.isArray(last) && last[1] === place) last[1] += 1;
      else pieces.push([place, place + 1]);
    }
    return pieces;
  }
}
