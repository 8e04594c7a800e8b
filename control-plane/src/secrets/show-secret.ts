import type { Written } from '../configuration/written.ts';
import { ScrubMode, type Secret, Surface } from './secret.type.ts';
import type { SecretView } from './secret-view.ts';

const surfaceOf = {
  header: Surface.HEADER,
  basic: Surface.BASIC,
  query: Surface.QUERY,
  path: Surface.PATH,
  cookie: Surface.COOKIE,
  json: Surface.JSON,
  form: Surface.FORM,
  text: Surface.TEXT,
  websocket: Surface.WEBSOCKET,
} as const;
const scrubOf = { replace: ScrubMode.REPLACE, refuse: ScrubMode.REFUSE, off: ScrubMode.OFF } as const;

/** A secret as GraphQL gives it. */
export function showSecret(view: SecretView): Secret {
  const binding = view.binding && {
    hosts: [...view.binding.hosts],
    surfaces: view.binding.surfaces.map((name) => surfaceOf[name]),
    jsonPaths: view.binding.jsonPaths ? [...view.binding.jsonPaths] : null,
    allowCleartext: view.binding.allowCleartext ?? false,
    scrub: scrubOf[view.binding.scrub ?? 'replace'],
  };
  return { ...view, binding, versions: [...view.versions] };
}

export function showSecretWritten({ object, ...written }: Written<SecretView>) {
  return { ...written, object: showSecret(object) };
}
