import { setTimeout as pause } from 'node:timers/promises';
import { join } from 'node:path';
import { plainEnvironment } from '../support/plain-environment.ts';
import { runCommand } from '../support/run-command.ts';
import type { TestCluster } from '../support/start-cluster.ts';
import { repositoryRoot } from '../support/start-onecli.ts';
import type { AuditItem } from '../support/world.ts';

const lookEveryMs = 1500;
/** So many looks that find nothing new, and what is waited for has not come: it does not come. */
const mostIdleLooks = 8;

/** Gives the trail since a time, once it has every id that is waited for, or has not grown for 12 s. */
export async function readTrail(
  cluster: TestCluster,
  sinceMs: number,
  awaited: readonly string[],
): Promise<AuditItem[]> {
  let events: AuditItem[] = [];
  for (let idleLooks = 0; idleLooks < mostIdleLooks; ) {
    const found = await allEvents(cluster, sinceMs);
    const ids = new Set(found.map(({ path }) => path.split('/')[3] ?? ''));
    if (awaited.every((id) => ids.has(id))) return found;
    idleLooks = found.length > events.length ? 0 : idleLooks + 1;
    events = found;
    await pause(lookEveryMs);
  }
  return events;
}

async function allEvents(cluster: TestCluster, sinceMs: number): Promise<AuditItem[]> {
  const events: AuditItem[] = [];
  const since = encodeURIComponent(new Date(sinceMs).toISOString());
  for (let after: string | null = ''; after !== null; ) {
    const cursor: string = after === '' ? '' : `&after=${encodeURIComponent(after)}`;
    const page: { items: AuditItem[]; next?: string | null } = await cluster.must(
      'GET',
      `/api/audit?limit=200&since=${since}${cursor}`,
    );
    events.push(...page.items);
    after = page.items.length === 0 ? null : (page.next ?? null);
  }
  return events;
}

/** Has the cluster verify its whole trail, with `onecli audit verify`. Gives what is wrong with it. */
export async function verifyTrail(cluster: TestCluster): Promise<string[]> {
  const env = { ...plainEnvironment(), ONECLI_DATA_DIR: cluster.dataFolder };
  const args = [join(repositoryRoot, 'cli/bin/onecli.mjs'), 'audit', 'verify', '--json'];
  const { stdout, stderr } = await runCommand('node', args, { env, timeoutMs: 600_000 });
  if (!stdout.startsWith('{')) return [`it could not be verified: ${stderr}`];
  const report = JSON.parse(stdout) as { isSound: boolean; faults: { index: number; message: string }[] };
  if (report.isSound) return [];
  return ['it is not sound', ...report.faults.map(({ index, message }) => `entry ${index}: ${message}`)];
}
