import type { Part } from './cluster-parts.ts';

/** One process of the cluster, as it is now. */
export interface ClusterProcess {
  readonly name: string;
  readonly kind: Part['kind'] | 'postgres';
  /** Undefined while it does not run. */
  readonly pid: number | undefined;
  /** On 127.0.0.1; undefined where it has none. */
  readonly port: number | undefined;
}
