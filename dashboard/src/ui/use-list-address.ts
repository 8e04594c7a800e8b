import { useSearchParams } from 'react-router';

/** What of a list the address asks for: the beginning of names, and behind which cursor. */
export interface ListAddress {
  readonly prefix: string;
  readonly after: string | null;
  readonly search: (prefix: string) => void;
  readonly goTo: (after: string | null) => void;
}

export function useListAddress(): ListAddress {
  const [parameters, setParameters] = useSearchParams();
  const prefix = parameters.get('q') ?? '';
  return {
    prefix,
    after: parameters.get('after'),
    search: (text) => setParameters(text === '' ? {} : { q: text }, { replace: true }),
    goTo: (after) => setParameters({ ...(prefix !== '' && { q: prefix }), ...(after !== null && { after }) }),
  };
}
