import {
  checkpointText,
  readCheckpoint,
  readNoteKey,
  type NoteKey,
} from '@onecli/shared/domain/audit-trail/checkpoint-note';
import { entryLeaf } from '@onecli/shared/domain/audit-trail/leaf';
import { toHex } from '@onecli/shared/domain/audit-trail/bytes';
import type { CheckpointLine, EntryLine, TrailLine } from '@onecli/shared/domain/audit-trail/trail-lines';
import { sha256, verifyEd25519 } from '../node-hashes.ts';

/** An exported trail with one thing altered, and between which entries the first fault has to be named, both included. */
interface FileEdit {
  readonly name: string;
  readonly lines: readonly TrailLine[];
  readonly between: readonly [number, number];
  /** What the first link of a run follows on: only who has the key of the chains knows it. */
  readonly isOfMac?: boolean;
}

/** Numbers that chance gives, the same each time. @returns a whole number from 0 to below `below` */
export function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => Math.floor(((state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31) * below);
}

/** Where one place of an export is altered, in each way that its lines allow. */
export class FileEdits {
  readonly #whole: readonly TrailLine[];
  readonly #random: (below: number) => number;
  readonly #key: NoteKey;
  readonly #places: readonly number[];

  constructor(whole: readonly TrailLine[], random: (below: number) => number) {
    const [head] = whole;
    const key = head?.type === 'trail' ? readNoteKey(sha256, head.key) : undefined;
    if (key === undefined) throw new Error('not an export');
    [this.#whole, this.#random, this.#key] = [whole, random, key];
    this.#places = whole.flatMap(({ type }, place) => (type === 'entry' ? [place] : []));
  }

  get entries(): number {
    return this.#places.length;
  }

  /** Every field of an entry, and every column of its row. */
  *ofEntry(index: number): Generator<FileEdit> {
    const [place, entry] = this.#entry(index);
    const edit = (name: string, fields: Partial<EntryLine>): FileEdit =>
      this.#edit(`${name} of entry ${index}`, this.#whole.with(place, { ...entry, ...fields }), index);
    yield edit('index', { index: index + 1 });
    for (const name of ['worker', 'boot', 'line', 'leaf'] as const)
      yield edit(name, { [name]: this.#other(entry[name]) });
    yield edit('mac', { mac: entry.mac === undefined ? '0'.repeat(64) : this.#other(entry.mac) });
    if (entry.mac !== undefined) yield edit('absent mac', { mac: undefined });
    if (entry.previousMac !== undefined)
      yield { ...edit('previousMac', { previousMac: this.#other(entry.previousMac) }), isOfMac: true };
    if (entry.row == null) return;
    yield edit('absent row', { row: null });
    for (const [column, value] of Object.entries(entry.row))
      yield edit(`row.${column}`, { row: { ...entry.row, [column]: this.#otherValue(value) } });
  }

  *ofHead(): Generator<FileEdit> {
    const [head] = this.#whole;
    if (head?.type !== 'trail') throw new Error('not an export');
    const edit = (name: string, fields: object): FileEdit =>
      this.#edit(`${name} of the head`, this.#whole.with(0, { ...head, ...fields }), 0, 1);
    yield edit('format', { format: 2 });
    yield edit('key', { key: this.#other(head.key) });
    yield edit('start', { start: { size: 1, nodes: ['0'.repeat(64)] } });
    yield this.#edit('deletion of the head', this.#whole.slice(1), 0);
    yield this.#edit('a second head', this.#whole.toSpliced(5, 0, head), 0, this.entries);
    const end = this.#whole.length - 1;
    yield this.#edit('deletion of the end', this.#whole.slice(0, -1), this.entries);
    yield this.#edit(
      'another size at the end',
      this.#whole.with(end, { type: 'end', size: this.entries - 1 }),
      this.entries,
    );
  }

  /** Every field of a checkpoint, and its place. Which of the entries that it covers was altered nobody can say then. */
  *ofCheckpoint(at: number): Generator<FileEdit> {
    const places = this.#whole.flatMap(({ type }, place) => (type === 'checkpoint' ? [place] : []));
    const place = places.at(at) ?? 0;
    const { note } = this.#whole[place] as CheckpointLine;
    const read = readCheckpoint(note, this.#key, verifyEd25519);
    if (read.kind === 'bad') throw new Error(read.reason);
    const { size, root } = read.checkpoint;
    const [text, signatures = ''] = note.split('\n\n');
    const [origin = '', , rootText = ''] = (text ?? '').split('\n');
    const [dash = '', signer = '', signature = ''] = signatures.trimEnd().split(' ');
    const write = (first: string, second: string, third: string, rest = signatures): string =>
      `${first}\n${second}\n${third}\n\n${rest}`;
    const altered: Readonly<Record<string, string>> = {
      origin: write(this.#other(origin), String(size), rootText),
      'size + 1': write(origin, String(size + 1), rootText),
      'size - 1': write(origin, String(size - 1), rootText),
      root: write(origin, String(size), this.#other(rootText)),
      'another line': `${checkpointText({ origin, size, root })}more\n\n${signatures}`,
      'name at the signature': write(origin, String(size), rootText, `${dash} ${this.#other(signer)} ${signature}\n`),
      'key id': write(origin, String(size), rootText, `${dash} ${signer} ${this.#other(signature, 0, 5)}\n`),
      signature: write(origin, String(size), rootText, `${dash} ${signer} ${this.#other(signature, 8, 80)}\n`),
      'no signature': write(origin, String(size), rootText, ''),
      nothing: '',
    };
    for (const [name, other] of Object.entries(altered)) yield this.#ofNote(name, place, other);
    const before = this.#whole[places.at(at - 1) ?? 0] as CheckpointLine;
    if (before !== this.#whole[place]) yield this.#ofNote('the one before in its place', place, before.note);
    const moved = this.#whole.toSpliced(place, 1).toSpliced(place - 1, 0, { type: 'checkpoint', note });
    yield this.#edit(`checkpoint ${at} moved up`, moved, 0, size);
  }

  *ofPlaces(): Generator<FileEdit> {
    for (const index of [0, Math.floor(this.entries / 2), this.entries - 1, this.#random(this.entries)]) {
      const [place, entry] = this.#entry(index);
      yield this.#edit(`deletion of entry ${index}`, this.#whole.toSpliced(place, 1), index);
      yield this.#edit(`entry ${index} twice`, this.#whole.toSpliced(place, 0, entry), index, index + 1);
      yield this.#edit(`deletion of entry ${index}, the others numbered anew`, this.#renumbered(place, 1), index);
      const line = entry.line.replace('example', 'forged!');
      const forged = { ...entry, line, leaf: toHex(entryLeaf(sha256, { ...entry, line })) };
      yield this.#edit(
        `a forged entry before ${index}, the others numbered anew`,
        this.#renumbered(place, 0, forged),
        index,
        index + 1,
      );
      const other = (index + 1 + this.#random(this.entries - 2)) % this.entries;
      yield this.#swap(index, other, false);
      yield this.#swap(index, other, true);
      yield this.#swap(index, (index + 1) % this.entries, true);
    }
    const entries = this.#places.map((at) => this.#whole[at] as TrailLine);
    const rest = this.#whole.filter(({ type }) => type !== 'entry');
    yield this.#edit(
      'all entries the other way round',
      [rest[0] as TrailLine, ...entries.toReversed(), ...rest.slice(1)],
      0,
    );
    const half = Math.floor(entries.length / 2);
    const rotated = [...entries.slice(half), ...entries.slice(0, half)];
    yield this.#edit('the second half first', [rest[0] as TrailLine, ...rotated, ...rest.slice(1)], 0);
  }

  /** The end is cut off: after some line, and so that what is left has an end that fits. */
  *truncated(times: number): Generator<FileEdit> {
    for (let done = 0; done < times; done++) {
      const place = 1 + (done === 0 ? this.#whole.length - 2 : this.#random(this.#whole.length - 2));
      const left = this.#whole.slice(0, place);
      const size = left.filter(({ type }) => type === 'entry').length;
      yield this.#edit(`cut off after line ${place}`, left, this.#signedAt(place), size);
      if (done % 2 === 0 || size === this.#signedAt(place)) continue;
      yield this.#edit(
        `cut off after line ${place}, with an end`,
        [...left, { type: 'end', size }],
        this.#signedAt(place),
        size,
      );
    }
  }

  /** The last checkpoint and what follows on it are cut off, and all fits: only who kept a checkpoint elsewhere finds that. */
  cutAtCheckpoint(): FileEdit {
    const last = this.#whole.findLastIndex((line, at) => line.type === 'checkpoint' && at < this.#places.at(-1)!);
    const size = this.#signedAt(last + 1);
    return this.#edit('cut off at a checkpoint', [...this.#whole.slice(0, last + 1), { type: 'end', size }], size);
  }

  #ofNote(name: string, place: number, note: string): FileEdit {
    const covered = this.#signedAt(place + 1);
    return this.#edit(
      `${name} in the checkpoint of ${covered}`,
      this.#whole.with(place, { type: 'checkpoint', note }),
      0,
      covered,
    );
  }

  #swap(one: number, two: number, isRenumbered: boolean): FileEdit {
    const [[place, entry], [otherPlace, other]] = [this.#entry(one), this.#entry(two)];
    const [index, otherIndex] = isRenumbered ? [other.index, entry.index] : [entry.index, other.index];
    const lines = this.#whole.with(place, { ...other, index: otherIndex }).with(otherPlace, { ...entry, index });
    return this.#edit(`swap of ${one} and ${two}${isRenumbered ? ', numbered anew' : ''}`, lines, Math.min(one, two));
  }

  /** Takes out so many lines at a place, puts others in, and counts all entries anew. */
  #renumbered(place: number, without: number, ...others: readonly EntryLine[]): TrailLine[] {
    let index = 0;
    return this.#whole
      .toSpliced(place, without, ...others)
      .map((line) => (line.type === 'entry' ? { ...line, index: index++ } : line));
  }

  /** How many entries the last checkpoint before a line covers. */
  #signedAt(place: number): number {
    const last = this.#whole.slice(0, place).findLastIndex(({ type }) => type === 'checkpoint');
    return this.#whole.slice(0, Math.max(last, 0)).filter(({ type }) => type === 'entry').length;
  }

  #entry(index: number): [number, EntryLine] {
    const place = this.#places[index] ?? 0;
    return [place, this.#whole[place] as EntryLine];
  }

  #edit(name: string, lines: readonly TrailLine[], from: number, to = from): FileEdit {
    return { name, lines, between: [from, to] };
  }

  /** The text with one of its characters replaced. */
  #other(text: string, from = 0, to = text.length): string {
    const at = from + this.#random(Math.max(1, Math.min(to, text.length) - from));
    const other = text[at] === '1' ? '2' : '1';
    return `${text.slice(0, at)}${other}${text.slice(at + 1)}`;
  }

  #otherValue(value: unknown): unknown {
    if (typeof value === 'string') return value === '' ? '1' : this.#other(value);
    if (typeof value === 'number') return value + 1;
    return Array.isArray(value) ? [...value, 'prod/other@1'] : 'other';
  }
}
