import type { Finding } from '@onecli/shared/domain/audit-event';
import type { ScrubMode } from '@onecli/shared/domain/binding';
import type { SecretValue } from '@onecli/shared/secret-value';
import type { Header } from '../wire/head.ts';
import { SecretSearch } from './secret-search.ts';
import { StreamScrubber } from './stream-scrubber.ts';
import { unfold } from './unfolded-text.ts';

/** A secret that left with a request, and the text that its agent holds in its place. */
export interface EchoableSecret {
  readonly value: SecretValue;
  readonly placeholder: string;
  readonly scrub: ScrubMode;
}

/** The secret was found, and its binding says that such an answer is refused. */
export type Refused = 'refused';

/** What is looked for in an answer, without what is found: the same for every answer to the same secrets. */
export type WantedSecrets = readonly Wanted[];

interface Wanted {
  readonly search: SecretSearch;
  readonly placeholder: Buffer;
  readonly isRefused: boolean;
}

/** So many places of one answer are told to the audit trail, each once. */
const maxFindings = 8;

/** Undefined when nothing has to be looked for. */
export function wantedOf(used: readonly EchoableSecret[]): WantedSecrets | undefined {
  const wanted: Wanted[] = [];
  for (const { value, placeholder, scrub } of used) {
    if (scrub === 'off') continue;
    const search = SecretSearch.of(value);
    if (search.minBytes === 0 || wanted.some((other) => other.search === search)) continue;
    wanted.push({ search, placeholder: Buffer.from(placeholder, 'latin1'), isRefused: scrub === 'refuse' });
  }
  return wanted.length === 0 ? undefined : wanted;
}

/**
 * Takes the secrets that a request used out of its answer (rule 10): interim and final heads, payload, trailers, messages.
 */
export class AnswerScrub {
  readonly wanted: WantedSecrets;
  readonly #minBytes: number;
  readonly #findings: Finding[];

  /** What is found is added to `findings`. */
  constructor(wanted: WantedSecrets, findings: Finding[]) {
    this.wanted = wanted;
    this.#minBytes = Math.min(...wanted.map(({ search }) => search.minBytes));
    this.#findings = findings;
  }

  /**
   * A head as it may go on: the same one when nothing was found in it. A field with a secret in its name is dropped.
   * @param bytes the head as it came: where nothing is found in them, nothing is in its fields
   */
  head<T extends { readonly reason: string; readonly headers: readonly Header[] }>(
    head: T,
    bytes?: Buffer,
  ): T | Refused {
    if (bytes && !this.#isIn(bytes)) return head;
    const headers = this.fields(head.headers);
    if (headers === 'refused') return headers;
    const reason = this.#text(head.reason, 'reason');
    if (reason === undefined) return 'refused';
    return headers === head.headers && reason === head.reason ? head : { ...head, headers, reason };
  }

  /** Fields as they may go on: the same array when nothing was found. `place` is told in place of their names. */
  fields(fields: readonly Header[], place?: 'trailer'): readonly Header[] | Refused {
    if (!this.#isSuspect(fields)) return fields;
    const kept: Header[] = [];
    for (const field of fields) {
      const name = this.#text(field.rawName, place ?? 'header');
      const value = this.#text(field.value, place ?? placeOf(field));
      if (name === undefined || value === undefined) return 'refused';
      if (name === field.rawName) kept.push(value === field.value ? field : { ...field, value });
    }
    return kept;
  }

  /** One stream of payload, or one message. */
  payload(place: 'body' | 'message'): PayloadScrub {
    return new PayloadScrub(this.wanted, () => this.#found(place));
  }

  /** One search for all of a head: its values are short, and a call for each would cost more than the search. */
  #isSuspect(fields: readonly Header[]): boolean {
    let text = '';
    for (const { rawName, value } of fields) {
      if (value.length >= this.#minBytes) text += `${value}\n`;
      if (rawName.length >= this.#minBytes) text += `${rawName}\n`;
    }
    if (text === '') return false;
    return this.#isIn(Buffer.from(text, 'latin1'));
  }

  #isIn(bytes: Buffer): boolean {
    const texts = [bytes, unfold(bytes, true, 0)?.bytes].filter((text) => text !== undefined);
    return this.wanted.some(({ search }) => texts.some((text) => search.find(text, 0, true) !== undefined));
  }

  /** A text of one character per byte, as it may go on; undefined when it may not. */
  #text(text: string, place: string): string | undefined {
    if (text.length < this.#minBytes) return text;
    const scrubbed = new PayloadScrub(this.wanted, () => this.#found(place)).push([Buffer.from(text, 'latin1')], true);
    return scrubbed === 'refused' ? undefined : Buffer.concat(scrubbed).toString('latin1');
  }

  #found(place: string): void {
    if (this.#findings.some((finding) => finding.kind === 'SECRET_IN_RESPONSE' && finding.place === place)) return;
    const count = this.#findings.filter(({ kind }) => kind === 'SECRET_IN_RESPONSE').length;
    if (count < maxFindings) this.#findings.push({ kind: 'SECRET_IN_RESPONSE', place });
  }
}

/** A name is the upstream's own text: a plain one of some length is kept. */
function placeOf({ name }: Header): string {
  return /^[a-z0-9-]{1,40}$/.test(name) ? name : 'header';
}

/** Takes several secrets out of one stream. */
export class PayloadScrub {
  readonly #scrubber: StreamScrubber<Wanted>;
  #isRefused = false;

  constructor(wanted: readonly Wanted[], onFound: () => void) {
    this.#scrubber = new StreamScrubber(wanted, ({ isRefused }) => {
      onFound();
      if (isRefused) this.#isRefused = true;
    });
  }

  /** Looks for another answer's secrets from here on, in what waits too. */
  follow(scrub: AnswerScrub): void {
    this.#scrubber.seek(scrub.wanted);
  }

  /**
   * The next bytes as they may go on; `isLast` when none follow. The same array when nothing was found and nothing waits.
   * After `refused` nothing may go on.
   */
  push(chunks: readonly Buffer[], isLast: boolean): readonly Buffer[] | Refused {
    const scrubbed = this.#scrubber.push(chunks, isLast);
    return this.#isRefused ? 'refused' : scrubbed;
  }
}
