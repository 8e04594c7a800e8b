/** Settings of the cluster's Redis, given on its standard input: they hold its password, which arguments would show. */
export function redisSettings(facts: {
  readonly port: number;
  readonly folder: string;
  readonly password: string;
}): string {
  return [
    `port ${facts.port}`,
    'bind 127.0.0.1',
    `requirepass ${facts.password}`,
    `dir "${facts.folder.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`,
    // A queue must lose nothing that it took, and must refuse rather than forget.
    'appendonly yes',
    'appendfsync everysec',
    'maxmemory 256mb',
    'maxmemory-policy noeviction',
    'save ""',
    'daemonize no',
    'logfile ""',
    'loglevel warning',
    '',
  ].join('\n');
}
