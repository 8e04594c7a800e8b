import { stringify } from 'yaml';

type Part = Readonly<Record<string, unknown>>;

/** A rule of a policy's document as one sentence: `Allow GET to api.github.com, only /user, with prod/github`. */
export function ruleText(rule: unknown): string {
  if (!isPart(rule)) return flow(rule);
  const [effect, body] = 'allow' in rule ? ['Allow', rule['allow']] : ['Deny', rule['deny']];
  if (!isPart(body)) return flow(rule);
  const { hosts, paths, methods, secrets, rateLimit, approval, ...others } = body;
  const verb = listText(methods) === '' ? `${effect} everything` : `${effect} ${listText(methods)}`;
  return [
    `${verb} to ${listText(hosts) || 'no host'}`,
    listText(paths) && `only ${listText(paths)}`,
    listText(secrets) && `with ${listText(secrets)}`,
    rateLimit !== undefined && rateText(rateLimit),
    approval !== undefined && approvalText(approval),
    ...Object.entries(others).map(([name, value]) => `${name}: ${flow(value)}`),
  ]
    .filter(Boolean)
    .join(', ');
}

/** Whom a policy's document selects. */
export function selectorsText(agents: unknown): string {
  if (!Array.isArray(agents) || agents.length === 0) return 'nobody';
  return agents.map(selectorText).join(', ');
}

function selectorText(selector: unknown): string {
  if (!isPart(selector) || !isPart(selector['labels'])) return isPart(selector) ? flow(selector) : String(selector);
  return Object.entries(selector['labels'])
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(' and ');
}

function rateText(limit: unknown): string {
  if (!isPart(limit)) return `rateLimit: ${flow(limit)}`;
  const whose = limit['by'] === 'rule' ? 'for all together' : 'for each agent';
  return `at most ${String(limit['requests'])} in ${String(limit['perSeconds'])} s ${whose}`;
}

function approvalText(approval: unknown): string | false {
  if (typeof approval !== 'boolean') return `approval: ${flow(approval)}`;
  return approval && 'once a person has approved it';
}

function listText(values: unknown): string {
  return Array.isArray(values) ? values.map(String).join(', ') : '';
}

function flow(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim();
}

function isPart(value: unknown): value is Part {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
