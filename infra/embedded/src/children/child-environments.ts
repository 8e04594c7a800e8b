import { existsSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import type { SupervisorConfig } from '../config.ts';
import type { DataFolder, MasterKeyHolder } from '../data-folder/data-folder.ts';
import { keyDescriptor } from './supervised-child.ts';

/** libuv's default of 4 is not enough for a proxy: name lookups, which may take seconds, share its threads with cryptography. */
const workerThreads = 16;

type Environment = Record<string, string>;

interface Surroundings {
  readonly config: SupervisorConfig;
  readonly folder: DataFolder;
  readonly databaseUrl: string;
  readonly key: MasterKeyHolder;
  /** Redis, where there is one. */
  readonly redisUrl?: string | undefined;
}

/** Where this machine reaches a port: a wildcard address is not one to connect to. */
export function localUrl(bind: string, port: number): string {
  const host = bind === '0.0.0.0' ? '127.0.0.1' : bind === '::' ? '::1' : bind;
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** All that the control plane gets to see of the environment. `passwordFile` only until it has made the admin. */
export function controlPlaneEnvironment(surroundings: Surroundings, passwordFile: string | undefined): Environment {
  const { config, folder } = surroundings;
  return {
    ...commonEnvironment(surroundings),
    ...config.apiSettings,
    ONECLI_API_PORT: String(config.apiPort),
    ONECLI_BIND: config.bind,
    ONECLI_ADMIN_USER: config.adminUser,
    ...(config.adminPassword === undefined ? {} : { ONECLI_ADMIN_PASSWORD: config.adminPassword }),
    ...(passwordFile === undefined ? {} : { ONECLI_ADMIN_PASSWORD_FILE: passwordFile }),
    ONECLI_LOCAL_ACCESS_FILE: folder.localAccessFile,
    ONECLI_DESTROYED_FILE: folder.destroyedFile,
    ONECLI_PROXY_URL: localUrl(config.bind, config.proxyPort),
  };
}

/** All that a worker gets to see of the environment. */
export function workerEnvironment(surroundings: Surroundings, name: string): Environment {
  const { config } = surroundings;
  const host = isIPv6(config.bind) ? `[${config.bind}]` : config.bind;
  return {
    ...commonEnvironment(surroundings),
    ...config.workerSettings,
    UV_THREADPOOL_SIZE: String(workerThreads),
    ONECLI_DRAIN_MS: String(config.drainMs),
    ONECLI_DRAIN_WAIT_MS: String(config.drainWaitMs),
    ONECLI_PROXY_PORT: String(config.proxyPort),
    ONECLI_BIND: config.bind,
    ONECLI_LISTENER: 'ipc',
    ONECLI_WORKER_NAME: name,
    ONECLI_SNAPSHOT_FILE: surroundings.folder.snapshotFile(name),
    ONECLI_OWN_LISTENERS: [`${host}:${config.proxyPort}`, `${host}:${config.apiPort}`, config.ownListeners ?? ''].join(
      ',',
    ),
  };
}

/** Where a child finds the master key: a key that is in no file is handed over as a descriptor. */
export function masterKeyFile(key: MasterKeyHolder): string {
  if (key.kind === 'file') return key.path;
  return `${existsSync('/proc/self/fd') ? '/proc/self/fd' : '/dev/fd'}/${keyDescriptor}`;
}

function commonEnvironment({ config, databaseUrl, key, redisUrl }: Surroundings): Environment {
  return {
    ...config.inheritedEnvironment,
    // graphql-js then does without checks for developers of schemas, and no library does more than it has to.
    NODE_ENV: 'production',
    DATABASE_URL: databaseUrl,
    ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }),
    ONECLI_MASTER_KEY_FILE: masterKeyFile(key),
    ONECLI_LOG_LEVEL: config.logLevel,
  };
}
