import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { AuditConfirmations, AuditQueue } from '@onecli/shared/ports/audit-queue';
import type { Logger } from 'pino';
import type { WorkerConfig } from '../config.ts';
import type { AuditMode } from './audit-mode.ts';
import { AuditTrail } from './audit-trail.ts';
import type { AuditRun } from './audit-trail-options.ts';
import { bootFolder } from './spool/boot-folder.ts';
import { Delivery } from './spool/delivery.ts';
import { Recovery } from './spool/recovery.ts';
import { Spool } from './spool/spool.ts';
import { realDisk } from './spool/spool-disk.ts';

interface SpoolSettings {
  /** Where the audit trail lies until it is written for good; each instance has a folder of its own in it. */
  readonly folder: string;
  readonly maxBytes: number;
  readonly mode: AuditMode;
}

interface AuditParts {
  readonly settings: SpoolSettings;
  readonly instanceId: string;
  readonly worker: string;
  readonly bootId: string;
  readonly macKey: Buffer;
  readonly spoolKey: Buffer;
  readonly queue: AuditQueue;
  readonly confirmations: AuditConfirmations;
  readonly log: Logger;
  readonly onLost: (count: number) => void;
}

interface Run extends AuditRun {
  readonly path: string;
}

export interface Audit {
  readonly trail: AuditTrail;
  /** Gives what earlier boots left to the queue, on the side. */
  recover(): void;
  close(timeoutMs: number): Promise<void>;
}

const timing = { flushEveryMs: 250, askEveryMs: 1000, againMs: 10_000 };
const recoverEveryMs = 60_000;
const segmentBytes = 8 * 1024 * 1024;
const maxWaiting = 100_000;
const keptWithinMs = 10_000;

/** Wires the trail over its spool and what gives that to the queue. */
function buildAudit(parts: AuditParts): Audit {
  const { settings, instanceId, worker, bootId, macKey, spoolKey: key, queue, confirmations, log, onLost } = parts;
  const { mode, maxBytes } = settings;
  const disk = realDisk;
  const spoolFolder = join(settings.folder, instanceId);
  const delivering = { disk, key, queue, confirmations, log, ...timing };
  const recovery = new Recovery({ ...delivering, spoolFolder, boot: bootId });
  let last: Run | undefined;
  const run = (boot: string): Run => {
    const folder = bootFolder(spoolFolder, worker, boot);
    const spool = new Spool({ disk, folder, key, segmentBytes, isDurable: mode !== 'default' });
    const delivery = new Delivery({
      ...delivering,
      folder,
      segments: spool.segments,
      writtenThrough: -1,
      beforeReading: () => trail.writeHeld(),
      onWritten: (through) => spool.removeThrough(through),
    });
    return { bootId: boot, spool, delivery, path: folder.path };
  };
  // The first is told by the name that the worker reports.
  const begin = (): AuditRun => (last = run(last === undefined ? bootId : randomBytes(16).toString('hex')));
  const leftBytes = (): number => recovery.leftBytes;
  const bounds = { maxBytes, maxWaiting, keptWithinMs, leftBytes };
  const trail: AuditTrail = new AuditTrail({ begin, worker, macKey, mode, log, onLost, ...bounds });
  return {
    trail,
    recover: () => void recovery.keepRunning(recoverEveryMs),
    close: async (timeoutMs) => {
      recovery.stop();
      await trail.close(timeoutMs);
      if (last?.delivery.isDone) disk.remove(last.path);
    },
  };
}

/** The same of what a worker is configured with and has opened. */
export function openAudit(
  {
    name: worker,
    spoolFolder: folder,
    auditMode: mode,
    limits,
  }: Pick<WorkerConfig, 'name' | 'spoolFolder' | 'auditMode' | 'limits'>,
  {
    source: confirmations,
    queue,
    instanceId,
    bootId,
    macKey,
    spoolKey,
  }: Pick<AuditParts, 'queue' | 'instanceId' | 'bootId' | 'macKey' | 'spoolKey'> & {
    readonly source: AuditConfirmations;
  },
  metrics: { readonly auditLost: { inc(count: number): void } },
  log: Logger,
): Audit {
  const settings = { folder, mode, maxBytes: limits.maxSpoolBytes };
  const onLost = (count: number): void => metrics.auditLost.inc(count);
  const keys = { instanceId, bootId, macKey, spoolKey };
  return buildAudit({ settings, ...keys, worker, queue, confirmations, log, onLost });
}
