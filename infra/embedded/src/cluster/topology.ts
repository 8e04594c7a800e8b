import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { exitCodes } from '@onecli/shared/exit-codes';
import { StartFault } from '../start-fault.ts';
import type { ClusterConfig } from './config.ts';

/** A process behind the load balancer. */
export interface Member {
  readonly name: string;
  readonly port: number;
}

/** Who is there, and at which port of 127.0.0.1. */
export interface Topology {
  readonly redis: { readonly program: string; readonly port: number } | undefined;
  readonly balancer: { readonly program: string; readonly metricsPort: number };
  readonly controlPlanes: readonly Member[];
  readonly workers: readonly Member[];
}

/** Debian has HAProxy where a user's PATH does not look. */
const furtherFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** @throws StartFault when a program that is needed is not there */
export function planTopology({ each, workers, controlPlanes, redis, firstPort }: ClusterConfig): Topology {
  const path = each.inheritedEnvironment['PATH'] ?? '';
  const haproxy = findProgram('haproxy', path);
  if (haproxy === undefined) throw missing('HAProxy', 'haproxy');
  const redisServer = redis === 'off' ? undefined : findProgram('redis-server', path);
  if (redis === 'on' && redisServer === undefined) throw missing('Redis', 'redis-server');
  let port = firstPort;
  const redisPort = port++;
  const metricsPort = port++;
  const members = (kind: string, count: number): Member[] =>
    Array.from({ length: count }, (_, index) => ({ name: `${kind}-${index + 1}`, port: port++ }));
  return {
    redis: redisServer === undefined ? undefined : { program: redisServer, port: redisPort },
    balancer: { program: haproxy, metricsPort },
    controlPlanes: members('control-plane', controlPlanes),
    workers: members('worker', workers),
  };
}

function missing(what: string, program: string): StartFault {
  return new StartFault(`${what} is not there: install it (Debian: apt-get install ${program}), or use npm start.`, {
    exitCode: exitCodes.wrong,
  });
}

function findProgram(name: string, path: string): string | undefined {
  return [...path.split(delimiter), ...furtherFolders].map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
