import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { ChildLog } from '../children/child-log.ts';
import { controlPlaneEnvironment, localUrl, workerEnvironment } from '../children/child-environments.ts';
import { type ChildSpec, SupervisedChild } from '../children/supervised-child.ts';
import type { SupervisorConfig } from '../config.ts';
import type { DataFolder, MasterKeyHolder } from '../data-folder/data-folder.ts';
import { openKeyDescriptor } from '../data-folder/hand-over-key.ts';
import { type Programs, workerNodeFlags } from '../supervise.ts';
import { haproxyConfig } from './haproxy-config.ts';
import { redisSettings } from './redis-settings.ts';
import type { Member, Topology } from './topology.ts';

/** For a child to end, besides the time that a worker gives to requests under way. */
const stopPatienceMs = 15_000;
/** Longer than the balancer takes to see that a worker is not ready any more: see haproxy.cfg. */
const leastDrainWaitMs = 1000;
/** The address of everything that is behind the balancer. */
const inside = '127.0.0.1';

export interface Part {
  readonly name: string;
  readonly kind: 'redis' | 'haproxy' | 'control-plane' | 'worker';
  readonly port: number | undefined;
  readonly child: SupervisedChild;
}

/** What the parts stand on. */
export interface Foundation {
  readonly config: SupervisorConfig;
  readonly folder: DataFolder;
  readonly databaseUrl: string;
  /** The same database, as the role of a worker, by its name. */
  readonly workerDatabaseUrl: (worker: string) => string;
  readonly key: MasterKeyHolder;
  readonly firstPassword: { file: string; password: string } | undefined;
  readonly topology: Topology;
}

interface Callbacks {
  print(line: string): void;
  ready(name: string): void;
  hopeless(exitCode: number): void;
}

/** Makes the children of a cluster, none of them started yet. */
export function makeParts(foundation: Foundation, programs: Programs, callbacks: Callbacks): readonly Part[] {
  const { topology, folder } = foundation;
  const make: Make = (name, spec) =>
    new SupervisedChild({
      name,
      stopPatienceMs,
      onHopeless: callbacks.hopeless,
      ...spec,
      // Redis and the balancer say much that the processes behind and before them say too.
      log: new ChildLog(join(folder.path, 'logs'), name, callbacks.print, spec.program.kind === 'other'),
    });
  const redis = topology.redis && { ...topology.redis, password: randomBytes(24).toString('base64url') };
  const redisUrl = redis && `redis://:${redis.password}@${inside}:${redis.port}`;
  const ours = new OwnParts({ ...foundation, redisUrl }, programs, callbacks, make);
  const redisPart = redis && { name: 'redis', kind: 'redis' as const, port: redis.port };
  return [
    ...(redisPart ? [{ ...redisPart, child: make('redis', redisSpec(foundation, redis)) }] : []),
    ...topology.controlPlanes.map((member, index) => ours.controlPlane(member, index === 0)),
    ...topology.workers.map((member) => ours.worker(member)),
    { name: 'haproxy', kind: 'haproxy', port: undefined, child: make('haproxy', balancerSpec(foundation)) },
  ];
}

type Make = (name: string, spec: Pick<ChildSpec, 'program' | 'environment'> & Partial<ChildSpec>) => SupervisedChild;

/** The control planes and the workers. */
class OwnParts {
  readonly #foundation: Foundation & { readonly redisUrl: string | undefined };
  readonly #programs: Programs;
  readonly #callbacks: Callbacks;
  readonly #make: Make;
  #isPasswordTaken: boolean;

  constructor(
    foundation: Foundation & { readonly redisUrl: string | undefined },
    programs: Programs,
    callbacks: Callbacks,
    make: Make,
  ) {
    this.#foundation = foundation;
    this.#programs = programs;
    this.#callbacks = callbacks;
    this.#make = make;
    this.#isPasswordTaken = foundation.firstPassword === undefined;
  }

  /** @param isFirst the command line of this account talks to this one: its token is good there alone */
  controlPlane({ name, port }: Member, isFirst: boolean): Part {
    const { config, firstPassword } = this.#foundation;
    const passwordFile = () => (this.#isPasswordTaken ? undefined : firstPassword?.file);
    const ranges = [config.apiSettings['ONECLI_API_TRUSTED_PROXIES'], inside].filter((one) => one !== undefined);
    const environment = () => ({
      ...controlPlaneEnvironment(this.#as({ apiPort: port }), passwordFile()),
      ONECLI_API_TRUSTED_PROXIES: ranges.join(','),
      ONECLI_PROXY_URL: localUrl(config.bind, config.proxyPort),
      ...(isFirst ? {} : { ONECLI_LOCAL_ACCESS_FILE: '', ONECLI_DESTROYED_FILE: '' }),
    });
    const onReady = () => {
      this.#passwordTaken();
      this.#callbacks.ready(name);
    };
    const program = { kind: 'node', main: this.#programs.controlPlane } as const;
    const child = this.#make(name, { program, environment, onReady, ...this.#key() });
    return { name, kind: 'control-plane', port, child };
  }

  worker({ name, port }: Member): Part {
    const { config, workerDatabaseUrl } = this.#foundation;
    const drainWaitMs = Math.max(config.drainWaitMs, leastDrainWaitMs);
    const ranges = [config.workerSettings['ONECLI_TRUSTED_PROXIES'], inside].filter((one) => one !== undefined);
    const environment = () => ({
      ...workerEnvironment(
        { ...this.#as({ proxyPort: port, drainWaitMs }), databaseUrl: workerDatabaseUrl(name) },
        name,
      ),
      ONECLI_LISTENER: 'own',
      ONECLI_TRUSTED_PROXIES: ranges.join(','),
      ONECLI_OWN_LISTENERS: this.#listeners(),
    });
    const child = this.#make(name, {
      program: { kind: 'node', main: this.#programs.worker, flags: workerNodeFlags },
      environment,
      onReady: () => this.#callbacks.ready(name),
      stopPatienceMs: drainWaitMs + config.drainMs + stopPatienceMs,
      ...this.#key(),
    });
    return { name, kind: 'worker', port, child };
  }

  /** The settings as they are for a process behind the balancer. */
  #as(own: Partial<SupervisorConfig>) {
    return { ...this.#foundation, config: { ...this.#foundation.config, bind: inside, ...own } };
  }

  #key(): Pick<ChildSpec, 'openKey'> {
    const { key } = this.#foundation;
    return key.kind === 'given' ? { openKey: () => openKeyDescriptor(key.hex) } : {};
  }

  /** No agent may reach any part through a worker. */
  #listeners(): string {
    const { config, topology } = this.#foundation;
    const { redis, balancer, controlPlanes, workers } = topology;
    const host = isIPv6(config.bind) ? `[${config.bind}]` : config.bind;
    const behind = [redis, ...controlPlanes, ...workers].flatMap((one) => (one ? [one.port] : []));
    return [
      ...[config.proxyPort, config.apiPort].map((port) => `${host}:${port}`),
      ...[balancer.metricsPort, ...behind].map((port) => `${inside}:${port}`),
      ...(config.ownListeners === undefined ? [] : [config.ownListeners]),
    ].join(',');
  }

  /** The admin exists now: the first password is shown, and no file holds it any more. */
  #passwordTaken(): void {
    if (this.#isPasswordTaken) return;
    this.#isPasswordTaken = true;
    const { folder, config, firstPassword } = this.#foundation;
    this.#callbacks.print(
      `The admin's login is ${config.adminUser} / ${firstPassword?.password}   (shown only this once)`,
    );
    folder.forgetFirstAdminPassword();
  }
}

function redisSpec(
  { folder, config }: Foundation,
  redis: { readonly program: string; readonly port: number; readonly password: string },
): Pick<ChildSpec, 'program' | 'environment'> {
  const own = join(folder.path, 'redis');
  mkdirSync(own, { recursive: true, mode: 0o700 });
  const input = redisSettings({ port: redis.port, folder: own, password: redis.password });
  return {
    program: { kind: 'other', file: redis.program, args: ['-'], input },
    environment: () => ({ ...config.inheritedEnvironment }),
  };
}

function balancerSpec({ folder, config, topology }: Foundation): Pick<ChildSpec, 'program' | 'environment'> {
  const file = join(folder.path, 'haproxy.cfg');
  writeFileSync(file, haproxyConfig(topology), { mode: 0o600 });
  const host = isIPv6(config.bind) ? `[${config.bind}]` : config.bind;
  return {
    program: { kind: 'other', file: topology.balancer.program, args: ['-db', '-f', file] },
    environment: () => ({
      ...config.inheritedEnvironment,
      ONECLI_PROXY_BIND: `${host}:${config.proxyPort}`,
      ONECLI_API_BIND: `${host}:${config.apiPort}`,
      ONECLI_BALANCER_METRICS_BIND: `${inside}:${topology.balancer.metricsPort}`,
    }),
  };
}
