/** Where in a request a placeholder may be replaced. */
export const surfaces = ['header', 'basic', 'query', 'path', 'cookie', 'json', 'form', 'text', 'websocket'] as const;
export type Surface = (typeof surfaces)[number];

/** The surfaces that are a whole body, by its content type. */
export type BodySurface = Extract<Surface, 'json' | 'form' | 'text'>;

/** The surfaces of a binding that names none: the two that servers do not write into their access logs. */
export const usualSurfaces: readonly Surface[] = ['header', 'basic'];

/** What becomes of an answer that holds a secret which its request used: the secret is replaced, all is refused, or nothing. */
export const scrubModes = ['replace', 'refuse', 'off'] as const;
export type ScrubMode = (typeof scrubModes)[number];

/** Where a secret may be used: only there does its value ever leave. */
export interface Binding {
  /** Host patterns; see host-pattern.ts. */
  readonly hosts: readonly string[];
  readonly surfaces: readonly Surface[];
  /** Where in a JSON body; see json-path.ts. Absent: in any string. */
  readonly jsonPaths?: readonly string[] | undefined;
  /** May it leave without TLS, over http://? Absent: no. */
  readonly allowCleartext?: boolean | undefined;
  /** Absent: `replace`, and the binding is from before `cookie` was a surface of its own. */
  readonly scrub?: ScrubMode | undefined;
}

/**
 * Whether a binding names a surface. Cookies were headers once: a binding of that time, which has no `scrub`, still covers
 * them by `header`.
 */
export function bindsSurface(binding: Binding, surface: Surface): boolean {
  if (binding.surfaces.includes(surface)) return true;
  return surface === 'cookie' && binding.scrub === undefined && binding.surfaces.includes('header');
}
