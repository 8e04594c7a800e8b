/** One thing that `doctor` looked at. `mend` says what to do about it. */
export type Check =
  | { readonly kind: 'pass'; readonly title: string }
  | { readonly kind: 'fail'; readonly title: string; readonly mend: string }
  | { readonly kind: 'warn'; readonly title: string; readonly mend: string }
  | { readonly kind: 'skip'; readonly title: string };

export function pass(title: string): Check {
  return { kind: 'pass', title };
}

export function fail(title: string, mend: string): Check {
  return { kind: 'fail', title, mend };
}

export function warn(title: string, mend: string): Check {
  return { kind: 'warn', title, mend };
}

export function skip(title: string): Check {
  return { kind: 'skip', title };
}
