import { parsePathPattern } from '@onecli/shared/domain/path-pattern';
import { listOf } from '../../ui/text-list.ts';

/** What a form for a rule has. */
export const fieldNames = ['hosts', 'paths', 'methods', 'secrets'] as const;

type RuleField = (typeof fieldNames)[number];
export type RuleTexts = Readonly<Record<RuleField, string>>;

/** What a form for a rule begins with. */
export interface GivenRule {
  readonly texts: RuleTexts;
  /** Why a field is left empty, though there was something for it: an agent chose it, and it says more in a rule than in a request. */
  readonly withheld: Readonly<Partial<Record<RuleField, string>>>;
}

/** What was refused, as fields of a rule that covers it and nothing else. */
export function givenRule(parameters: URLSearchParams): GivenRule {
  const port = parameters.get('port');
  const host = parameters.get('host') ?? '';
  const method = parameters.get('method') ?? '';
  const asked = {
    hosts: port === null ? host : `${host}:${port}`,
    paths: parameters.get('path') ?? '',
    methods: method === 'CONNECT' ? '' : method,
    secrets: '',
  };
  const bad = fieldNames.filter((name) => asked[name] !== '' && !isLiteral[name](asked[name]));
  return {
    texts: { ...asked, ...Object.fromEntries(bad.map((name) => [name, ''])) },
    withheld: Object.fromEntries(bad.map((name) => [name, `The request had ${JSON.stringify(asked[name])}. ${why}`])),
  };
}

/** A rule of a file, of what the fields have. `given` is what was in them before anybody wrote there. */
export function allowRule(texts: RuleTexts, given: RuleTexts): { readonly allow: object } {
  const lists = fieldNames.flatMap((name) => (texts[name] === '' ? [] : [[name, valuesOf(texts[name], given[name])]]));
  return { allow: { hosts: [], ...(Object.fromEntries(lists) as object) } };
}

/** The values of a field. What was given is one value, whatever is in it. */
export function valuesOf(text: string, given: string): string[] {
  return text === given && given !== '' ? [given] : listOf(text);
}

const why =
  'An agent chose it, and as part of a rule it could allow more than was asked for: write what you want to allow.';

/** Whether a text covers itself alone as a pattern, and is one value. */
const isLiteral: Readonly<Record<RuleField, (text: string) => boolean>> = {
  // Without a `*` it is one host, or none: of which the API tells. (To know a host by its parts takes a list of all public suffixes.)
  hosts: isOne,
  paths: (text) => {
    const parsed = parsePathPattern(text);
    return isOne(text) && parsed.kind === 'pattern' && parsed.isExact;
  },
  methods: (text) => /^[A-Z]+(?:-[A-Z]+)*$/.test(text),
  secrets: () => false,
};

function isOne(text: string): boolean {
  return !/[\s,*]/.test(text);
}
