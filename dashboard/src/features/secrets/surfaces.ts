import type { Surface } from '../../gql/graphql.ts';

/** Where in a request a placeholder can be replaced. */
export const surfaces: readonly { readonly id: Surface; readonly label: string }[] = [
  { id: 'HEADER', label: 'Headers' },
  { id: 'BASIC', label: 'Basic credentials' },
  { id: 'QUERY', label: 'Query' },
  { id: 'PATH', label: 'Path' },
  { id: 'COOKIE', label: 'Cookies' },
  { id: 'JSON', label: 'JSON bodies' },
  { id: 'FORM', label: 'Form bodies' },
  { id: 'TEXT', label: 'Text bodies' },
  { id: 'WEBSOCKET', label: 'WebSocket text' },
];
