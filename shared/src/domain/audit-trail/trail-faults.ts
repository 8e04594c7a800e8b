import type { TrailFault, TrailFaultKind } from './trail-lines.ts';

const maxFaults = 100;
/** These say nothing of an entry: where one stands it is not known why others are wrong. STATED is of entries before they came, and stays for good. */
const namingNoEntry: readonly TrailFaultKind[] = ['CHECKPOINT', 'UNSIGNED', 'ROW_ALTERED', 'ROW_MISSING', 'STATED'];

/** What is found wrong with a trail: counted, and of it the first hundred by their places, whenever they are found. */
export class TrailFaults {
  #kept: TrailFault[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** By the entries' indexes. */
  get first(): readonly TrailFault[] {
    return byIndex(this.#kept).slice(0, maxFaults);
  }

  add(fault: TrailFault): void {
    this.#count += 1;
    this.#kept.push(fault);
    if (this.#kept.length > 2 * maxFaults) this.#kept = byIndex(this.#kept).slice(0, maxFaults);
  }

  /** Whether an entry from an index to before another is said to be wrong. A row of the list says nothing of its entry. */
  isNamed(from: number, to: number): boolean {
    return this.#kept.some(({ index, kind }) => index >= from && index < to && !namingNoEntry.includes(kind));
  }

  /** Whether the chain is said to be broken at an event's entry. */
  isBroken(id: string): boolean {
    return this.#kept.some((fault) => fault.kind === 'CHAIN_BROKEN' && fault.id === id);
  }
}

function byIndex(faults: readonly TrailFault[]): TrailFault[] {
  return faults.toSorted((one, other) => one.index - other.index);
}
