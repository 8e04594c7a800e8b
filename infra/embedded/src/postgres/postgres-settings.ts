/**
 * Settings given on the command line, so that an existing cluster follows them from its next start.
 * Small memory: one supervisor's control plane and workers use some 30 connections and a few tables.
 */
export function postgresSettings({
  socketDir,
  isDurable,
  maxConnections = 40,
}: {
  socketDir: string;
  isDurable: boolean;
  maxConnections?: number | undefined;
}): string[] {
  const settings: Readonly<Record<string, string | number>> = {
    listen_addresses: '',
    unix_socket_directories: socketDir,
    unix_socket_permissions: '0700',
    max_connections: maxConnections,
    superuser_reserved_connections: 2,
    shared_buffers: '24MB',
    work_mem: '4MB',
    maintenance_work_mem: '16MB',
    max_worker_processes: 2,
    max_parallel_workers: 0,
    max_parallel_workers_per_gather: 0,
    max_parallel_maintenance_workers: 0,
    max_logical_replication_workers: 0,
    autovacuum_max_workers: 1,
    autovacuum_worker_slots: 1,
    io_method: 'sync',
    jit: 'off',
    huge_pages: 'off',
    wal_level: 'minimal',
    max_wal_senders: 0,
    wal_buffers: '1MB',
    min_wal_size: '32MB',
    max_wal_size: '256MB',
    fsync: isDurable ? 'on' : 'off',
    synchronous_commit: 'on',
    full_page_writes: isDurable ? 'on' : 'off',
    log_checkpoints: 'off',
    // Statements and their parameters carry rows' content, which has no place in a log.
    log_statement: 'none',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_parameter_max_length: 0,
    log_parameter_max_length_on_error: 0,
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** What a worker can sign in as that is none of the cluster's own: it can read what workers decide by, and nothing else. */
export const workerRole = 'onecli_worker';

/** The role of one worker of a cluster, `worker-3`: nobody else reports by it, nor it as anybody else. */
export function roleOfWorker(name: string): string {
  return `${workerRole}_${/[0-9]+$/.exec(name)?.[0] ?? ''}`;
}

/** Both kinds, as the server's files tell patterns. */
const workerRoles = `/^${workerRole}(_[0-9]+)?$`;

/**
 * pg_hba.conf and pg_ident.conf: only the unix socket, and on it only the operating system's users named, told by the
 * kernel (peer authentication); no password exists. The socket's folder is closed to others besides.
 */
export function postgresAccessFiles(userNames: readonly string[]): { hba: string; ident: string } {
  const quoted = [...new Set(userNames)].map((name) => `"${name.replaceAll('"', '""')}"`);
  return {
    hba: `local all onecli peer map=onecli\nlocal all ${workerRoles} peer map=onecli\n`,
    ident: quoted.map((name) => `onecli ${name} onecli\nonecli ${name} ${workerRoles}\n`).join(''),
  };
}
