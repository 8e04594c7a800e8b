/** Where a placeholder may be replaced. */
export const surfaces = ['header', 'basic'] as const;
export type Surface = (typeof surfaces)[number];

/** What becomes of an answer that holds a secret which its request used: the secret is replaced, all is refused, or nothing. */
export const scrubModes = ['replace', 'refuse', 'off'] as const;
export type ScrubMode = (typeof scrubModes)[number];

/** Where a secret may be used: only there does its value ever leave. */
export interface Binding {
  /** Host patterns; see host-pattern.ts. */
  readonly hosts: readonly string[];
  readonly surfaces: readonly Surface[];
  /** Absent: `replace`. */
  readonly scrub?: ScrubMode;
}
