export interface WorkerHealth {
  readonly tone: 'allow' | 'warn' | 'deny';
  readonly text: string;
}

interface ReportedWorker {
  readonly isLive: boolean;
  readonly appliedRevision: number;
  readonly load: { readonly cpuShare: number; readonly spoolBytes: number | null } | null;
}

const busyShare = 0.9;
const manySpooledBytes = 50_000_000;

/** How a worker is, the worst of it first. */
export function healthOf({ isLive, appliedRevision, load }: ReportedWorker, revision: number): WorkerHealth {
  if (!isLive) return { tone: 'deny', text: 'Silent' };
  const behind = revision - appliedRevision;
  if (behind > 0) return { tone: 'warn', text: `${behind} revision${behind === 1 ? '' : 's'} behind` };
  if ((load?.spoolBytes ?? 0) > manySpooledBytes) return { tone: 'warn', text: 'Audit events wait' };
  if ((load?.cpuShare ?? 0) > busyShare) return { tone: 'warn', text: 'Busy' };
  return { tone: 'allow', text: 'Healthy' };
}
