import { parse } from 'yaml';

export type Part = Readonly<Record<string, unknown>>;

/**
 * One policy of a YAML text, or what is wrong with the text. Form, words, preview and saving all read it here, so that they say the same:
 * `mode`, `by` and `days` in lower case, labels as texts, lists and parts of the shape that the API takes. The API says the rest.
 */
export function parsePolicy(text: string): Part | string {
  try {
    const policy: unknown = parse(text);
    if (!isPart(policy)) return 'Expected one policy: name, agents, rules.';
    return withFields(policy, '', {
      mode: oneOf('enforce', 'monitor'),
      agents: listOf(selector),
      rules: listOf(rule),
    });
  } catch (error) {
    return error instanceof Error ? error.message : 'This is no YAML.';
  }
}

/** Gives a value as it is read everywhere. `at` is its place. @throws UnexpectedShape */
type Reader = (value: unknown, at: string) => unknown;

class UnexpectedShape extends Error {
  constructor(at: string, expected: string) {
    super(`${at}: expected ${expected}.`);
  }
}

/** Fields that have no reader are left to the API, which refuses those that it does not know. */
function withFields(part: Part, at: string, readers: Readonly<Record<string, Reader>>): Part {
  return Object.fromEntries(
    Object.entries(part).map(([name, value]) => {
      const place = at === '' ? name : `${at}.${name}`;
      if (value === null) throw new UnexpectedShape(place, 'a value, or no such field');
      return [name, Object.hasOwn(readers, name) ? readers[name]?.(value, place) : value];
    }),
  );
}

function listOf(item: Reader): Reader {
  return (value, at) => {
    if (!Array.isArray(value)) throw new UnexpectedShape(at, 'a list, like [ one, other ]');
    return value.map((one, index) => item(one, `${at}[${index}]`));
  };
}

function oneOf(...known: readonly string[]): Reader {
  return (value, at) => {
    const found = known.find((one) => typeof value === 'string' && one === value.toLowerCase());
    if (found === undefined) throw new UnexpectedShape(at, known.join(' or '));
    return found;
  };
}

function partOf(expected: string, readers: Readonly<Record<string, Reader>>): Reader {
  return (value, at) => {
    if (!isPart(value)) throw new UnexpectedShape(at, expected);
    return withFields(value, at, readers);
  };
}

const text: Reader = (value, at) => {
  if (typeof value !== 'string') throw new UnexpectedShape(at, 'a text');
  return value;
};
const day: Reader = (value, at) => String(text(value, at)).toLowerCase();
const label: Reader = (value, at) => {
  if (typeof value === 'object') throw new UnexpectedShape(at, 'a text');
  return String(value);
};

const selector: Reader = (value, at) => {
  if (typeof value === 'string') return value;
  const labels = isPart(value) && Object.keys(value).join() === 'labels' ? value['labels'] : undefined;
  if (!isPart(labels) || Object.keys(labels).length === 0)
    throw new UnexpectedShape(at, 'a name, or labels: { key: value }');
  return {
    labels: Object.fromEntries(Object.entries(labels).map(([key, one]) => [key, label(one, `${at}.labels.${key}`)])),
  };
};

const texts = listOf(text);
const effect = partOf('what it is for, like { hosts: [ api.example.com ] }', {
  hosts: texts,
  paths: texts,
  methods: texts,
  secrets: texts,
  windows: listOf(partOf('days, from, to and zone', { days: listOf(day) })),
  rateLimit: partOf('requests, perSeconds and by', { by: oneOf('agent', 'rule') }),
});

const rule: Reader = (value, at) => {
  const names = isPart(value) ? Object.keys(value) : [];
  if (names.length !== 1 || !(names[0] === 'allow' || names[0] === 'deny'))
    throw new UnexpectedShape(
      at,
      `either an allow or a deny, and nothing else${names.length > 0 ? ` (${names.join(', ')})` : ''}`,
    );
  return withFields(value as Part, at, { allow: effect, deny: effect });
};

/** Whether it is a map. Dates and sets, which a text can ask for, are none. */
export function isPart(value: unknown): value is Part {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
