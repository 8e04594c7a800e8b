import { type Document, type YAMLMap, type YAMLSeq, isMap, isScalar, isSeq, parseDocument, visit } from 'yaml';
import { type Part, parsePolicy } from './parse-policy.ts';

/** What a form shows of a policy. The text is the policy; the form reads and edits it. */
export interface PolicyFields {
  readonly mode: 'enforce' | 'monitor';
  /** Names, and labels as `key=value`, several of one selector with `&` between them. */
  readonly agents: readonly string[];
  readonly rules: readonly RuleFields[];
}

export const ruleLists = ['hosts', 'paths', 'methods', 'secrets'] as const;
export type RuleList = (typeof ruleLists)[number];
export type RuleEffect = 'allow' | 'deny';

export interface RuleFields extends Readonly<Record<RuleList, readonly string[]>> {
  readonly effect: RuleEffect;
  /** A person has to approve what it covers. */
  readonly asks: boolean;
  /** What else the rule has, and is edited in the text: `windows`, `rateLimit`. */
  readonly others: readonly string[];
}

/** The fields of a text; or why it cannot be shown in a form. */
export function readPolicy(text: string): PolicyFields | string {
  const policy = parsePolicy(text);
  if (typeof policy === 'string') return policy;
  if (hasAlias(parseDocument(text))) return 'What has anchors and aliases is edited as text alone.';
  return {
    mode: policy['mode'] === 'monitor' ? 'monitor' : 'enforce',
    agents: itemsOf(policy['agents']).map(selectorText),
    rules: itemsOf(policy['rules']).map((rule) => ruleFields(rule as Part)),
  };
}

/** An edit of one place would change others too, or not be found. */
function hasAlias(document: Document): boolean {
  let isFound = false;
  visit(document, {
    Alias: () => {
      isFound = true;
      return visit.BREAK;
    },
  });
  return isFound;
}

/** Changes a text in one place; everything else of it, comments too, stays as it is written. */
function edited(text: string, change: (document: Document) => void): string {
  const document = parseDocument(text);
  change(document);
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

export function setMode(text: string, mode: PolicyFields['mode']): string {
  return edited(text, (document) => {
    if (mode === 'monitor') document.set('mode', 'monitor');
    else document.delete('mode');
  });
}

export function setAgents(text: string, agents: readonly string[]): string {
  return edited(text, (document) => setList(document, ['agents'], agents, selectorText, selectorOf));
}

export function setRuleList(text: string, index: number, list: RuleList, values: readonly string[]): string {
  return edited(text, (document) => {
    const path = ['rules', index, effectAt(document, index), list];
    if (values.length === 0 && list !== 'hosts') document.deleteIn(path);
    else setList(document, path, values, String, (value) => value);
  });
}

/** Whether a person has to approve what an allow covers. */
export function setAsks(text: string, index: number, asks: boolean): string {
  return edited(text, (document) => {
    const path = ['rules', index, 'allow', 'approval'];
    if (asks) document.setIn(path, true);
    else document.deleteIn(path);
  });
}

/** Makes an allow of a deny, or the other way round. A deny has no secrets and no limits: they go. */
export function setEffect(text: string, index: number, effect: RuleEffect): string {
  return edited(text, (document) => {
    const before = effectAt(document, index);
    const body = document.getIn(['rules', index, before], true);
    if (before === effect || !isMap(body)) return;
    if (effect === 'deny') body.items = body.items.filter(({ key }) => deniable.has(nameOf(key)));
    const rule = document.getIn(['rules', index]) as YAMLMap;
    const pair = rule.items.find(({ key }) => nameOf(key) === before);
    if (pair !== undefined) pair.key = document.createNode(effect);
  });
}
const deniable = new Set(['hosts', 'paths', 'methods', 'windows']);

export function addRule(text: string): string {
  return appendRule(text, { allow: { hosts: ['api.example.com'] } });
}

/** Puts a rule behind the others. */
export function appendRule(text: string, given: object): string {
  return edited(text, (document) => {
    const rule = document.createNode(given) as YAMLMap;
    for (const { value } of rule.items) if (isMap(value)) value.flow = true;
    const rules = document.get('rules');
    if (isSeq(rules) && rules.items.length > 0) rules.add(rule);
    else document.set('rules', document.createNode([rule]));
  });
}

export function removeRule(text: string, index: number): string {
  return edited(text, (document) => void document.deleteIn(['rules', index]));
}

function effectAt(document: Document, index: number): RuleEffect {
  return document.hasIn(['rules', index, 'allow']) ? 'allow' : 'deny';
}

/** Brings a list to some values. Items that stay keep their comments and how they are written. */
function setList(
  document: Document,
  path: readonly (string | number)[],
  values: readonly string[],
  textOf: (item: unknown) => string,
  itemOf: (text: string) => unknown,
): void {
  const list = document.getIn(path);
  if (!isSeq(list)) {
    const made = document.createNode(values.map(itemOf)) as YAMLSeq;
    made.flow = true;
    document.setIn(path, made);
    return;
  }
  const old = list.items.map((node) => ({ node, text: textOf(plain(node)) }));
  list.items = values.map(
    (value) => old.find(({ text }) => text === value)?.node ?? document.createNode(itemOf(value)),
  );
}

function ruleFields(rule: Part): RuleFields {
  const effect = 'allow' in rule ? 'allow' : 'deny';
  const body = rule[effect] as Part;
  const list = (name: RuleList) => itemsOf(body[name]).map(String);
  return {
    effect,
    hosts: list('hosts'),
    paths: list('paths'),
    methods: list('methods'),
    secrets: list('secrets'),
    asks: body['approval'] === true,
    others: Object.keys(body).filter((name) => !isOfForm(name, body[name])),
  };
}

function isOfForm(name: string, value: unknown): boolean {
  return (ruleLists as readonly string[]).includes(name) || (name === 'approval' && typeof value === 'boolean');
}

function itemsOf(list: unknown): readonly unknown[] {
  return Array.isArray(list) ? list : [];
}

function plain(node: unknown): unknown {
  if (isMap(node) || isSeq(node) || isScalar(node)) return node.toJSON() as unknown;
  return node;
}

function nameOf(key: unknown): string {
  return String(isScalar(key) ? key.value : key);
}

function selectorText(selector: unknown): string {
  if (typeof selector !== 'object' || selector === null) return String(selector);
  const { labels = {} } = selector as { labels?: Record<string, unknown> };
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join('&');
}

function selectorOf(text: string): unknown {
  if (!text.includes('=')) return text;
  const pairs = text.split('&').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]);
  return { labels: Object.fromEntries(pairs) as Record<string, string> };
}
