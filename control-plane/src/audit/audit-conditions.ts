import type { Reach } from '../auth/authorize.ts';
import type { AuditPlace } from './audit-cursor.ts';
import type { AuditFilter } from './audit-filter.ts';

/** Some secret was used, and none of another environment. */
function onlyWithin(environments: string): string {
  return `cardinality(secrets) > 0 AND NOT EXISTS
    (SELECT 1 FROM unnest(secrets) AS s WHERE split_part(s, '/', 1) <> ALL (${environments}::text[]))`;
}

const decisionTerms = { allow: `decision = 'allow'`, deny: `decision = 'deny'` } as const;

const hasFindings = 'finding_count > 0';
/** It was let through, and the upstream failed or the connection ended before an answer. */
export const hasFailed = `decision = 'allow' AND (status = 0 OR status >= 500)`;

/** The SQL of which events are meant, and may be read, with its parameters; before a place in the list, if there is one. */
export function conditions(
  filter: AuditFilter,
  place: AuditPlace | undefined,
  reach: Reach,
): { where: string; values: unknown[] } {
  const values: unknown[] = [];
  const terms: string[] = [];
  const add = (term: (...parameters: string[]) => string, ...given: unknown[]): void => {
    terms.push(term(...given.map((value) => `$${values.push(value)}`)));
  };
  if (filter.agent !== undefined) add((agent) => `agent = ${agent}`, filter.agent);
  if (filter.host !== undefined) add((host) => `host = ${host}`, filter.host);
  // Written out, and not a parameter, so that the index of what was denied is seen to fit.
  if (filter.decision !== undefined) terms.push(decisionTerms[filter.decision]);
  if (filter.reason !== undefined) add((reason) => `reason = ${reason}`, filter.reason);
  if (filter.hasFindings !== undefined) terms.push(filter.hasFindings ? hasFindings : `(${hasFindings}) IS NOT TRUE`);
  if (filter.hasFailed !== undefined) terms.push(filter.hasFailed ? hasFailed : `NOT (${hasFailed})`);
  if (filter.since !== undefined) add((since) => `time >= ${since}`, new Date(filter.since));
  if (filter.until !== undefined) add((until) => `time < ${until}`, new Date(filter.until));
  if (reach !== '*') add((environments) => onlyWithin(environments), [...reach]);
  if (place !== undefined) add((time, id) => `(time, id) < (${time}, ${id})`, new Date(place.timeMs), place.id);
  return { where: terms.length === 0 ? '' : `WHERE ${terms.join(' AND ')}`, values };
}
