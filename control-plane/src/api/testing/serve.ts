import type { DataSource } from 'typeorm';
import { MasterKey } from '@onecli/shared/vault/master-key';
import { SecretValue } from '@onecli/shared/secret-value';
import { type ControlPlane, build } from '../../build.ts';
import type { Config } from '../../config.ts';
import { createLogger } from '@onecli/shared/logger';
import type { InstanceKeys } from '../../instance/instance-keys.ts';
import { openFoundation } from '../../open-foundation.ts';
import { ApiServer } from '../../server.ts';
import { isTrustedProxy } from '../request-context.ts';
import { type ApiAnswer, callApi } from './call-api.ts';
import { freePort } from '../../../../test/support/free-port.ts';

export const adminPassword = 'correct horse battery';

/** A control plane that serves in this process, wired as in production. */
export interface Served {
  readonly url: string;
  readonly config: Config;
  readonly plane: ControlPlane;
  readonly database: DataSource;
  readonly keys: InstanceKeys;
  /** Every log line, level trace. */
  readonly logLines: readonly string[];
  /** Calls the API as the admin; `headers` may say otherwise. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer>;
  /** Runs a GraphQL document as the admin, and gives the answer's JSON. */
  graphql(query: string, variables?: object): Promise<GraphqlAnswer>;
  stop(): Promise<void>;
}

export interface GraphqlAnswer {
  readonly data: Readonly<Record<string, unknown>> | null | undefined;
  readonly errors?: readonly { readonly message: string; readonly extensions: Readonly<Record<string, unknown>> }[];
}

/** `Basic` credentials. */
export function basic(user: string, password: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

/** Serves on a free port over the database at `databaseUrl`. */
export async function serve(databaseUrl: string, overrides: Partial<Config> = {}): Promise<Served> {
  const config = await testConfig(databaseUrl, overrides);
  const logLines: string[] = [];
  const log = createLogger('control-plane', 'trace', { write: (line: string) => void logLines.push(line) });
  const foundation = await openFoundation(config, log, new AbortController().signal);
  const plane = await build(config, foundation, log);
  const server = new ApiServer(plane.app, { isProxy: (address) => isTrustedProxy(plane.app, address) });
  await server.listen(config.apiPort, config.bind);
  await plane.partitions.start();
  await plane.auditWriter.start();
  plane.keyRotation.start();
  plane.startTasks();
  const url = `http://127.0.0.1:${config.apiPort}`;
  const call: Served['call'] = (method, path, body, headers = {}) =>
    callApi(url + path, method, body, { ...basic('admin', adminPassword), ...headers });
  return {
    url,
    config,
    plane,
    ...foundation,
    logLines,
    call,
    graphql: async (query, variables = {}) =>
      (await call('POST', '/graphql', { query, variables })).json as GraphqlAnswer,
    stop: async () => {
      plane.partitions.stop();
      await plane.keyRotation.stop();
      await server.close();
      await plane.close();
    },
  };
}

async function testConfig(databaseUrl: string, overrides: Partial<Config>): Promise<Config> {
  return {
    databaseUrl,
    redis: undefined,
    telemetry: undefined,
    masterKey: MasterKey.fromHex('5a'.repeat(32)),
    apiPort: await freePort(),
    bind: '127.0.0.1',
    adminUser: 'admin',
    adminPassword: SecretValue.of(adminPassword),
    localAccessFile: undefined,
    destroyedFile: undefined,
    proxyUrl: undefined,
    outgoing: { allowRanges: [], connectTo: undefined, rootsPem: undefined },
    trustedProxies: [],
    sessionLifetime: { idleSeconds: 7200, totalSeconds: 86_400 },
    adminEventDays: 730,
    auditDays: undefined,
    auditSinks: { webhook: undefined, syslog: undefined },
    logLevel: 'trace',
    settings: [],
    ...overrides,
  };
}
