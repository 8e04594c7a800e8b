/** What a figure may be at most, so that what grew slow is seen. */
interface Bound {
  readonly name: string;
  readonly most: number;
  readonly unit: 'ms' | 'MiB' | 'changes';
}

const bounds = {
  page: { name: 'worst p99 of a page', most: 100, unit: 'ms' },
  start: { name: 'a worker, from its start to proxying', most: 3_000, unit: 'ms' },
  memory: { name: 'the most memory of a worker', most: 400, unit: 'MiB' },
  change: { name: 'a change in force in a worker, p99', most: 100, unit: 'ms' },
  apply: { name: 'apply of 1,000 objects', most: 5_000, unit: 'ms' },
  again: { name: 'the same planned again', most: 0, unit: 'changes' },
} as const satisfies Record<string, Bound>;

/** Figures, each held to its bound; those that are over it are kept. */
export class Judgement {
  readonly over: string[] = [];
  readonly #say: (line: string) => void;

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  judge(of: keyof typeof bounds, figure: number): void {
    const { name, most, unit } = bounds[of];
    // What is no number was not measured: it keeps to nothing.
    const isOver = !(figure <= most);
    if (isOver) this.over.push(name);
    this.#say(`${name}: ${figure.toFixed(1)} ${unit} of ${most} at most${isOver ? ': OVER' : ''}`);
  }
}
