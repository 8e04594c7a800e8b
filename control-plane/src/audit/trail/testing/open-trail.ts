import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import {
  intendedEvent,
  type IntentEntry,
  loneEvent,
  type OutcomeEntry,
  writeEntry,
} from '@onecli/shared/domain/audit-entry';
import type { TrailLine, TrailReport } from '@onecli/shared/domain/audit-trail/trail-lines';
import { TrailVerifier, type TrailVerifierOptions } from '@onecli/shared/domain/audit-trail/verify-trail';
import { type ChainLink, chainStart, linkMac } from '@onecli/shared/vault/audit-chain';
import { openServices } from '../../../database/testing/open-services.ts';
import { AuditStore } from '../../audit-store.ts';
import type { BootHead } from '../../boot-head.ts';
import { CheckpointKey } from '../checkpoint-key.ts';
import { CheckpointSigner } from '../checkpoint-signer.ts';
import { GrownStretches } from '../grown-stretches.ts';
import { hmacSha256, sha256, verifyEd25519 } from '../node-hashes.ts';
import { proofLines } from '../proof-lines.ts';
import { type TakenLinks, TrailKeeper } from '../trail-keeper.ts';

export const script = join(import.meta.dirname, '../../../../../infra/audit/verify_audit.py');

/** One worker's boot that makes entries as the data plane does. */
export class Boot {
  readonly events: AuditEvent[] = [];
  readonly #key: Buffer;
  readonly #worker: string;
  readonly #boot: string;
  #sequence = 0;
  #mac: string;
  #isEnded = false;

  constructor(key: Buffer, worker: string, boot: string) {
    [this.#key, this.#worker, this.#boot] = [key, worker, boot];
    this.#mac = chainStart(key, worker, boot);
  }

  /** How far it is written, once all that it made was kept. */
  get head(): BootHead {
    return { through: this.#sequence - 1, mac: this.#mac, isEnded: this.#isEnded };
  }

  get name(): { readonly worker: string; readonly boot: string } {
    return { worker: this.#worker, boot: this.#boot };
  }

  /** Links of so many requests, every third of which takes a secret along. */
  take(requests: number, perLink: number): TakenLinks & { readonly rows: readonly AuditEvent[] } {
    const [first, previousMac] = [this.#sequence, this.#mac];
    const rows: AuditEvent[] = [];
    const links: ChainLink[] = [];
    for (let done = 0; done < requests; done += perLink) {
      const lines: string[] = [];
      for (let at = done; at < Math.min(requests, done + perLink); at++) lines.push(...this.#request(rows));
      links.push(this.#link(lines));
    }
    this.events.push(...rows);
    return { worker: this.#worker, boot: this.#boot, first, previousMac, links, gap: undefined, isEnd: false, rows };
  }

  /** A secret leaves, and the worker dies. */
  interrupted(): TakenLinks & { readonly rows: readonly AuditEvent[] } {
    const [first, previousMac] = [this.#sequence, this.#mac];
    const intent = this.#intent();
    const links = [this.#link([writeEntry(intent)])];
    this.#isEnded = true;
    const rows = [intendedEvent(this.#worker, this.#boot, intent, undefined)];
    return { worker: this.#worker, boot: this.#boot, first, previousMac, links, gap: undefined, isEnd: true, rows };
  }

  #request(rows: AuditEvent[]): string[] {
    if (this.#sequence % 3 !== 0) {
      const entry = {
        ...this.#beginning(),
        ...this.#ending(),
        kind: 'OUTCOME',
        sequence: this.#sequence++,
        of: undefined,
      } as const;
      rows.push(loneEvent(this.#worker, this.#boot, entry));
      return [writeEntry(entry)];
    }
    const intent = this.#intent();
    const outcome: OutcomeEntry = {
      ...this.#ending(),
      kind: 'OUTCOME',
      sequence: this.#sequence++,
      of: intent.sequence,
    };
    rows.push(intendedEvent(this.#worker, this.#boot, intent, outcome));
    return [writeEntry(intent), writeEntry(outcome)];
  }

  #intent(): IntentEntry {
    const { timeMs, rule } = this.#ending();
    return {
      ...this.#beginning(),
      kind: 'INTENT',
      sequence: this.#sequence++,
      of: undefined,
      timeMs,
      rule,
      secrets: ['prod/k@1'],
    };
  }

  #link(lines: readonly string[]): ChainLink {
    this.#mac = linkMac(this.#key, this.#mac, lines.map((line) => `${line}\n`).join(''));
    return { lines, mac: this.#mac };
  }

  #beginning() {
    const at = this.#sequence;
    const agentId = at % 7 === 0 ? undefined : '0d6e0b9a-7b3a-4a4e-9d2f-1f7b8f4f3a11';
    const path = at % 11 === 0 ? '/v1/ü\0\ud800' : `/v1/things/${at}`;
    return {
      revision: 7,
      requestId: `r-${this.#boot}-${at}`,
      agentId,
      agent: 'my-agent',
      host: `h${at % 5}.example`,
      port: 443,
      method: 'POST',
      path,
    };
  }

  #ending() {
    const at = this.#sequence;
    const decision = at % 4 === 0 ? 'deny' : 'allow';
    const findings = at % 9 === 0 ? [{ kind: 'PLACEHOLDER_IN_BODY', place: 'body' } as const] : [];
    const sizes = { requestBytes: at, responseBytes: 5_000_000_000 + at };
    const timeMs = 1_790_000_000_000 + at * 17;
    return {
      timeMs,
      decision,
      reason: 'ALLOWED',
      rule: at % 2 === 0 ? undefined : 'p/rules/0',
      status: 200,
      latencyMs: at / 7,
      ...sizes,
      secrets: ['prod/k@1', 'prod/ß"@2'],
      findings,
    } as const;
  }
}

export type Trail = Awaited<ReturnType<typeof openTrail>>;

/** A trail on a real database, with what writes, signs and verifies it. */
export async function openTrail(databaseUrl: string) {
  const services = await openServices(databaseUrl);
  const { dataSource, keys } = services;
  const faults: string[] = [];
  const log = { error: (_fields: object, message: string) => void faults.push(message) };
  const { keyring, auditMacKey: macKey, auditSigningSeed } = keys;
  const grown = new GrownStretches();
  const keeper = new TrailKeeper({ keyring, macKey, log, faulty: (kind) => void faults.push(kind), grown });
  const checkpointKey = new CheckpointKey(auditSigningSeed);
  const signer = new CheckpointSigner(dataSource, checkpointKey, grown);
  const store = new AuditStore(dataSource, keyring);
  const keep = async (taken: TakenLinks & { readonly rows?: readonly AuditEvent[] }): Promise<void> => {
    await store.insert(taken.rows ?? []);
    await dataSource.transaction((manager) => keeper.keep(manager, taken));
  };
  const lines = async (range = {}, manager = dataSource.manager): Promise<TrailLine[]> => {
    const all: TrailLine[] = [];
    const sources = { manager, keyring, macKey, checkpointKey, adminEventDays: 730 };
    for await (const line of proofLines(sources, range)) all.push(line);
    return all;
  };
  return {
    services,
    dataSource,
    keys,
    macKey,
    faults,
    keeper,
    checkpointKey,
    signer,
    store,
    keep,
    lines,
    close: () => services.close(),
  };
}

/** What the product's verifier says. */
export function verify(
  lines: readonly TrailLine[],
  options: Partial<TrailVerifierOptions> & { macKey?: Buffer } = {},
): TrailReport {
  const { macKey, ...rest } = options;
  const mac = macKey && ((data: Uint8Array) => hmacSha256(macKey, data));
  const verifier = new TrailVerifier({ sha256, verifyEd25519, mac, ...rest });
  for (const line of lines) verifier.take(line);
  return verifier.finish();
}

export interface ScriptReport {
  readonly isSound: boolean;
  readonly text: string;
  /** Of the first fault that it names. */
  readonly index: number | undefined;
}

/** What the standalone script says. */
export async function verifyByScript(
  text: string,
  { macKey, key, kept = [] }: { macKey?: Buffer; key?: string; kept?: readonly string[] } = {},
): Promise<ScriptReport> {
  const folder = mkdtempSync(join(tmpdir(), 'onecli-audit-'));
  const put = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  try {
    const flags = [
      ...(macKey === undefined ? [] : ['--mac-key-file', put('mac', macKey.toString('hex'))]),
      ...(key === undefined ? [] : ['--key', key]),
      ...kept.flatMap((note, at) => ['--checkpoint', put(`kept${at}`, note)]),
    ];
    const { status, stdout, stderr } = await ended('python3', [script, put('trail.jsonl', text), ...flags]);
    if (status !== 0 && status !== 1) throw new Error(`the script ended with ${status}: ${stderr}`);
    const [, index] = /^BAD entry (\d+)/m.exec(stdout) ?? [];
    return { isSound: status === 0, text: stdout, index: index === undefined ? undefined : Number(index) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Ended {
  readonly status: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

function ended(command: string, flags: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(command, flags, { encoding: 'utf8' }, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : error.code, stdout, stderr }),
    );
  });
}

export function textOf(lines: readonly TrailLine[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}
