/** A process that has reported nothing for longer is silent, and not waited for. */
export const aliveWithinSeconds = 10;
