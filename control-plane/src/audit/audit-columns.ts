import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import type { Keyring } from '@onecli/shared/vault/keyring';
import { type Detail, sealDetails } from './detail-seal.ts';

/** One column of the audit table, in the order of the events. */
interface Column {
  readonly name: string;
  /** Type of an element of the array that carries the column. */
  readonly type: string;
  readonly pick: (event: AuditEvent) => Value;
  /** SQL that makes the value of an element; default: the element. */
  readonly toValue?: (element: string) => string;
}
type Value = string | number | undefined;

/** A statement with its parameters. */
export interface Statement {
  readonly text: string;
  readonly values: readonly string[];
}

const columns: readonly Column[] = [
  {
    name: 'time',
    type: 'float8',
    pick: (event) => whole(event.timeMs),
    toValue: (ms) => `to_timestamp(${ms} / 1000)`,
  },
  { name: 'id', type: 'text', pick: (event) => event.id },
  { name: 'revision', type: 'bigint', pick: (event) => whole(event.revision) },
  { name: 'worker', type: 'text', pick: (event) => event.worker },
  { name: 'request_id', type: 'text', pick: (event) => event.requestId },
  { name: 'agent_id', type: 'uuid', pick: (event) => event.agentId },
  { name: 'agent', type: 'text', pick: (event) => event.agent },
  { name: 'decision', type: 'text', pick: (event) => event.decision },
  { name: 'reason', type: 'text', pick: (event) => event.reason },
  { name: 'rule', type: 'text', pick: (event) => event.rule },
  { name: 'host', type: 'text', pick: (event) => event.host },
  { name: 'port', type: 'integer', pick: (event) => whole(event.port) },
  { name: 'method', type: 'text', pick: (event) => event.method },
  { name: 'status', type: 'integer', pick: (event) => whole(event.status) },
  { name: 'latency_ms', type: 'real', pick: ({ latencyMs }) => (Number.isFinite(latencyMs) ? latencyMs : 0) },
  { name: 'request_bytes', type: 'bigint', pick: (event) => whole(event.requestBytes) },
  { name: 'response_bytes', type: 'bigint', pick: (event) => whole(event.responseBytes) },
  { name: 'finding_count', type: 'integer', pick: ({ findings }) => findings.length },
  {
    // A list of lists flattens in unnest: each travels as the text of an array.
    name: 'secrets',
    type: 'text',
    pick: ({ secrets }) => listOf(secrets),
    toValue: (list) => `${list}::text[]`,
  },
];
const names = columns.map(({ name }) => name).join(', ');

/**
 * The statement that writes events, of which there is at least one. One that is already there stays as it is.
 *
 * Most columns of a batch have one value in all its rows, and go as that; the others go as the text of an array
 * (PostgreSQL manual, 8.15.6). pg's own encoding of arrays takes values of any type and depth, and three times as long.
 */
export function insertOf(events: readonly AuditEvent[], keyring: Keyring): Statement {
  const details = sealDetails(keyring, events.map(detailOf));
  const values = [`{${details.join(',')}}`];
  const arrays = ['$1::text[]'];
  const carried = ['sealed_detail'];
  const selected = columns.map(({ name, type, pick, toValue = (element) => element }) => {
    const list = events.map(pick);
    const [first] = list;
    const isOne = list.every((value) => value === first);
    values.push(`{${isOne ? elementOf(first) : list.map(elementOf).join(',')}}`);
    const parameter = `$${values.length}::${type}[]`;
    if (isOne) return toValue(`(${parameter})[1]`);
    arrays.push(parameter);
    carried.push(name);
    return toValue(`e.${name}`);
  });
  const text = `INSERT INTO audit_event (${names}, sealed_detail) SELECT ${selected.join(', ')}, decode(e.sealed_detail, 'hex')
    FROM unnest(${arrays.join(', ')}) AS e(${carried.join(', ')}) ON CONFLICT DO NOTHING`;
  return { text, values };
}

/** What is sealed of an event. */
export function detailOf({ id, path, findings }: AuditEvent): Detail {
  return { eventId: id, text: JSON.stringify({ path, findings }) };
}

/** A list as the text of an array. */
export function listOf(texts: readonly string[]): string {
  return `{${texts.map(quoted).join(',')}}`;
}

function elementOf(value: Value): string {
  if (value === undefined) return 'NULL';
  return typeof value === 'string' ? quoted(value) : String(value);
}

const awkward = /["\\\0]/;

/** Postgres keeps no NUL in text; an event that holds one must not hold up its batch for ever. */
function quoted(text: string): string {
  if (!awkward.test(text)) return `"${text}"`;
  return `"${text.replaceAll('\0', '\u{fffd}').replaceAll(/["\\]/g, '\\$&')}"`;
}

export function whole(value: number): number {
  const integer = Math.trunc(value);
  return Number.isSafeInteger(integer) ? integer : 0;
}
