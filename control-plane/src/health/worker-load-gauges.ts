import { Gauge, type Registry } from 'prom-client';

/** All live workers together, and the one that has most. */
interface Figure {
  readonly all: number;
  readonly busiest: number;
}

/** What the live workers had to do when each last reported. */
export interface WorkerLoad {
  readonly connections: Figure;
  readonly requestsPerSecond: Figure;
  readonly cpuShare: Figure;
  readonly memoryBytes: Figure;
  readonly spoolBytes: Figure;
}

const described: Readonly<Record<keyof WorkerLoad, readonly [name: string, help: string]>> = {
  connections: ['onecli_workers_connections', 'Open connections of agents'],
  requestsPerSecond: ['onecli_workers_requests_per_second', 'Requests a second'],
  cpuShare: ['onecli_workers_cpu_cores', 'CPU time that workers take, in cores'],
  memoryBytes: ['onecli_workers_memory_bytes', 'Memory that workers hold'],
  spoolBytes: ['onecli_workers_spool_bytes', 'Audit trail on the disks of workers that is not written yet'],
};

/** Workers' load as they report it: without a label that names one, since names are many and come and go. */
export class WorkerLoadGauges {
  readonly #gauges: ReadonlyMap<keyof WorkerLoad, Gauge<'of'>>;

  constructor(registry: Registry) {
    const entries = Object.entries(described) as [keyof WorkerLoad, readonly [string, string]][];
    this.#gauges = new Map(
      entries.map(([figure, [name, help]]) => [
        figure,
        new Gauge({
          name,
          help: `${help}: all live workers, and the busiest`,
          labelNames: ['of'],
          registers: [registry],
        }),
      ]),
    );
  }

  /** Undefined: it cannot be asked now, and is left out. */
  take(load: WorkerLoad | undefined): void {
    for (const [figure, gauge] of this.#gauges) {
      gauge.reset();
      for (const [of, value] of Object.entries(load?.[figure] ?? {})) gauge.set({ of }, value);
    }
  }
}
