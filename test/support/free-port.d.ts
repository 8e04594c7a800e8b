/** Gives `count` different TCP ports on 127.0.0.1 that were free a moment ago. */
export declare function freePorts(count: number): Promise<number[]>;
/** Gives one free TCP port on 127.0.0.1. */
export declare function freePort(): Promise<number>;
