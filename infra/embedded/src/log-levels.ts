/** How much is logged, from the least on. */
export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
