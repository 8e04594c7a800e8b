/** What `npm run chaos` can run, and what each of them gives. */

/** A number that a scenario takes. */
export interface Flag {
  readonly byDefault: number;
  readonly most: number;
  readonly help: string;
}

export type Numbers<Name extends string> = Readonly<Record<Name, number>>;

export interface Context {
  readonly seed: number;
  readonly redis: 'auto' | 'on' | 'off';
  /** Tells how far it is. */
  say(line: string): void;
}

export interface Report {
  /** Whether every sentence that must hold does. */
  readonly isSound: boolean;
  /** For people. */
  readonly text: string;
  /** For `--json`. */
  readonly record: object;
}

export interface Scenario {
  /** One line. */
  readonly summary: string;
  readonly flags: Readonly<Record<string, Flag>>;
  readonly run: (numbers: Numbers<string>, context: Context) => Promise<Report>;
}

/** A scenario whose flags have names that the compiler knows. */
export function scenario<Name extends string>(
  summary: string,
  flags: Readonly<Record<Name, Flag>>,
  run: (numbers: Numbers<Name>, context: Context) => Promise<Report>,
): Scenario {
  return { summary, flags, run: (numbers, context) => run(numbers as Numbers<Name>, context) };
}

export const workersFlag = (byDefault: number): Flag => ({ byDefault, most: 32, help: 'workers of the cluster' });
export const rateFlag: Flag = { byDefault: 30, most: 2000, help: 'arrivals a second' };
