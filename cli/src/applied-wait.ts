import { z } from 'zod';
import { printable, type Terminal } from './terminal.ts';

const appliedSchema = z.looseObject({
  isEverywhere: z.boolean(),
  confirmedBy: z.number(),
  behind: z.array(z.string()),
  silent: z.array(z.string()),
});
const answerSchema = z.looseObject({ revision: z.number(), applied: appliedSchema.nullable() });
type Answer = z.infer<typeof answerSchema>;

/** What `--wait` asks of the writes of a command, and what came of the last of them. */
export class AppliedWait {
  #seconds: number | undefined;
  /** Undefined: nothing was sent. Null: it was answered, and not in words that say who has it. */
  #last: Answer | null | undefined;

  /** @param seconds undefined: it is not waited for */
  begin(seconds: number | undefined): void {
    this.#seconds = seconds;
  }

  get waitMs(): number | undefined {
    return this.#seconds === undefined ? undefined : this.#seconds * 1000;
  }

  /** Takes the answer to a write that was asked to wait. */
  take(answer: unknown): void {
    this.#last = answerSchema.safeParse(answer).data ?? null;
  }

  /** Says who has what was written; gives whether it is in force everywhere, or nothing was sent that could be. */
  tell(terminal: Pick<Terminal, 'notice'>): boolean {
    terminal.notice(printable(textOf(this.#last, this.#seconds ?? 0)));
    return this.#last === undefined || this.#last?.applied?.isEverywhere === true;
  }
}

function textOf(last: Answer | null | undefined, seconds: number): string {
  if (last === undefined) return 'nothing was written, so nobody was asked which workers are at the newest revision';
  if (last === null) return 'written, but the gateway did not say which workers have applied it';
  const { revision, applied } = last;
  if (applied === null)
    return `written in revision ${revision}, but the gateway could not tell which workers have applied it`;
  const { isEverywhere, confirmedBy, behind, silent } = applied;
  if (isEverywhere) return `in force at every worker (${confirmedBy}), in revision ${revision}`;
  const reasons = [
    behind.length > 0 && `not applied within ${seconds} s by ${behind.join(', ')}`,
    silent.length > 0 && `no word from ${silent.join(', ')}`,
  ].filter((reason) => reason !== false);
  const why = reasons.length > 0 ? reasons.join('; ') : 'no worker is running';
  return `written in revision ${revision}, but not known to be in force everywhere: ${why}`;
}
