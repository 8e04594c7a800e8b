/** What `npm run cluster` reads: the settings of `npm start`, which hold for each process, and those of the cluster itself. */
import { z } from 'zod';
import { type Environment, type ReadConfig, type SupervisorConfig, readSettings, wholeNumber } from '../config.ts';
import { clusterCommand, readFlags } from '../flags.ts';

/** The variables of the cluster itself. `.env.example` is checked against this. */
export const clusterVariables = z.object({
  ONECLI_CLUSTER_WORKERS: wholeNumber(1, 64, 'expected a number of workers, 1 to 64').prefault('4'),
  ONECLI_CLUSTER_CONTROL_PLANES: wholeNumber(1, 16, 'expected a number of control planes, 1 to 16').prefault('2'),
  ONECLI_CLUSTER_REDIS: z.enum(['auto', 'on', 'off'], { error: 'expected auto, on or off' }).default('auto'),
  ONECLI_CLUSTER_FIRST_PORT: wholeNumber(1, 65_400, 'expected a port number, 1 to 65400').prefault('10300'),
});

export interface ClusterConfig {
  /** What holds for all; its ports are those of the load balancer. */
  readonly each: SupervisorConfig;
  readonly workers: number;
  readonly controlPlanes: number;
  readonly redis: 'auto' | 'on' | 'off';
  /** Redis, the balancer's metrics, control planes and workers have this port and those that follow, on 127.0.0.1. */
  readonly firstPort: number;
}

type ReadClusterConfig =
  | { kind: 'config'; config: ClusterConfig; warnings: readonly string[] }
  | Exclude<ReadConfig, { kind: 'config' }>;

/** Reads flags, which win, and variables; all faults come together. */
export function readClusterConfig(
  argv: readonly string[] = process.argv.slice(2),
  environment: Environment = process.env,
): ReadClusterConfig {
  const options = readFlags(argv, clusterCommand);
  if (options.kind !== 'flags') return options;
  const given: Environment = { ...environment, ...options.values };
  const read = readSettings(given);
  const parsed = clusterVariables.safeParse(
    Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== '')),
  );
  const faults = read.kind === 'faults' ? [...read.faults] : [];
  if (!parsed.success) faults.push(...parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
  if (read.kind === 'faults' || !parsed.success) return { kind: 'faults', faults };
  return {
    kind: 'config',
    warnings: read.warnings,
    config: {
      each: read.config,
      workers: parsed.data.ONECLI_CLUSTER_WORKERS,
      controlPlanes: parsed.data.ONECLI_CLUSTER_CONTROL_PLANES,
      redis: parsed.data.ONECLI_CLUSTER_REDIS,
      firstPort: parsed.data.ONECLI_CLUSTER_FIRST_PORT,
    },
  };
}
