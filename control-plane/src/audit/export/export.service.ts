import type { DataSource } from 'typeorm';
import { z } from 'zod';
import { authorizeList } from '../../auth/authorize.ts';
import { insertDone } from '../../auth/events/admin-event-store.ts';
import type { Principal } from '../../auth/principal.ts';
import { auditFilterForm } from '../audit-filter.ts';
import type { AuditStore, AuditView } from '../audit-store.ts';
import type { TrailService } from '../trail/trail.service.ts';
import { csvHead, toCsv } from './to-csv.ts';
import { toOcsf } from './to-ocsf.ts';

/** What is asked for, as query parameters. */
export const exportForm = auditFilterForm.extend({
  format: z.enum(['jsonl', 'csv', 'ocsf'], { error: 'must be `jsonl`, `csv` or `ocsf`' }).default('jsonl'),
});
export type ExportInput = z.infer<typeof exportForm>;

export const exportTypes: Readonly<Record<ExportInput['format'], string>> = {
  jsonl: 'application/jsonl',
  csv: 'text/csv; charset=utf-8; header=present',
  ocsf: 'application/jsonl',
};

const eventsAtOnce = 500;
const pieceLength = 32 * 1024;

interface Sources {
  readonly database: DataSource;
  readonly store: Pick<AuditStore, 'list'>;
  readonly trail: Pick<TrailService, 'proof'>;
}

/** Gives the audit trail out: with its proof, or as other programs want it. */
export class ExportService {
  readonly #sources: Sources;

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  /**
   * The text, piece by piece, in constant memory. JSON lines of a time, or of everything, come with their proof; those of some agent,
   * host or decision, CSV and OCSF are the events of the list, the newest first, as far as the principal may see them. That it was
   * asked for is recorded first.
   * @throws Fault FORBIDDEN
   */
  async begin(principal: Principal, input: ExportInput): Promise<AsyncGenerator<string>> {
    const { format, ...filter } = input;
    const { since: sinceMs, until: untilMs, agent, host, decision } = filter;
    const isProof = format === 'jsonl' && agent === undefined && host === undefined && decision === undefined;
    const reach = authorizeList(principal, 'audit:read');
    const lines = isProof ? await this.#sources.trail.proof(principal, { sinceMs, untilMs }) : undefined;
    const act = { action: 'audit:export', objectKind: 'audit', objectName: format };
    await insertDone(this.#sources.database.manager, principal, undefined, [act]);
    if (lines !== undefined) return inPieces(mapped(lines, jsonLine));
    const events = this.#events(filter, reach);
    if (format === 'csv') return inPieces(mapped(events, toCsv, csvHead));
    return inPieces(mapped(events, format === 'ocsf' ? (event) => jsonLine(toOcsf(event)) : jsonLine));
  }

  async *#events(
    filter: Omit<ExportInput, 'format'>,
    reach: ReturnType<typeof authorizeList>,
  ): AsyncGenerator<AuditView> {
    let after: string | undefined;
    do {
      const { items, next } = await this.#sources.store.list(filter, { after, limit: eventsAtOnce }, reach);
      yield* items;
      after = next ?? undefined;
    } while (after !== undefined);
  }
}

function jsonLine(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

async function* mapped<T>(items: AsyncIterable<T>, toText: (item: T) => string, head = ''): AsyncGenerator<string> {
  if (head !== '') yield head;
  for await (const item of items) yield toText(item);
}

/** Fewer and longer texts, which is what sockets like. */
async function* inPieces(texts: AsyncIterable<string>): AsyncGenerator<string> {
  let piece = '';
  for await (const text of texts) {
    piece += text;
    if (piece.length < pieceLength) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}
