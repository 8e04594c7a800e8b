import type { ComponentType } from 'react';

/** The groups of the navigation, from above. */
export const groups = {
  top: '',
  traffic: 'Traffic',
  access: 'Access',
  operations: 'Operations',
  administration: 'Administration',
} as const;

/** A screen's place in the navigation. */
export interface ScreenLink {
  readonly group: keyof typeof groups;
  readonly path: string;
  readonly name: string;
  /** Without this action there is nothing to see there: the link is not shown. */
  readonly reads?: string;
  /** Without all of these there is nothing to do there. */
  readonly takes?: readonly string[];
}

/** Whether a screen is of use to whoever may do these things. */
export function isOfUse({ reads, takes = [] }: ScreenLink, may: (action: string) => boolean): boolean {
  return (reads === undefined || may(reads)) && takes.every(may);
}

/** What a noun of the product adds to the dashboard: each `features/<noun>/entry.ts` has one, and `features.ts` lists them. */
export interface Feature {
  readonly links: readonly ScreenLink[];
  /** Each screen by its address. It is loaded when it is first gone to. */
  readonly screens: Readonly<Record<string, () => Promise<ComponentType>>>;
}
