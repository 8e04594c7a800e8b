/**
 * How prom-client measures the process itself. Its own way looks at the event loop a hundred times a second: a process that nobody asks
 * anything spends most of its time on that, and each worker of a machine adds as much. What a gauge of the loop's delay shows has
 * this interval in it, as it is measured from one look to the next.
 */
export const defaultMetrics = { eventLoopMonitoringPrecision: 100 } as const;
