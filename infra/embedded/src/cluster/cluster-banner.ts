import type { ClusterProcess } from './cluster-process.ts';

/** What a person reads once the cluster serves. */
export function describeCluster(facts: {
  readonly proxyUrl: string;
  readonly apiUrl: string;
  readonly processes: readonly ClusterProcess[];
}): string {
  const rows = facts.processes.map(({ name, pid, port }) =>
    `  ${name.padEnd(18)} process ${String(pid ?? '-').padEnd(8)} ${port === undefined ? '' : `127.0.0.1:${port}`}`.trimEnd(),
  );
  return [
    '',
    'The cluster is ready.',
    `  Proxy   ${facts.proxyUrl}   for agents, through HAProxy`,
    `  API     ${facts.apiUrl}   the dashboard too, for admins, through HAProxy`,
    `  CA      ${facts.apiUrl}/ca.pem`,
    '',
    ...rows,
    '',
    'End any of them, as with kill -9: it is started again, and nothing that it was not doing itself fails.',
    '',
  ].join('\n');
}
