/** Where a placeholder may be replaced. */
export const surfaces = ['header', 'basic'] as const;
export type Surface = (typeof surfaces)[number];

/** Where a secret may be used: only there does its value ever leave. */
export interface Binding {
  /** Host patterns; see host-pattern.ts. */
  readonly hosts: readonly string[];
  readonly surfaces: readonly Surface[];
}
