/** The host that every engine serves. It stands for 127.0.0.1. */
export const benchHost = 'api.openai.com';

/** What the agent's requests carry, and what they have to carry at the upstream. */
export const placeholderHeader = 'Bearer onecli://prod/openai';
export const secretValue = 'sk-bench-0123456789abcdef0123456789abcdef';

/** One load, the same for each engine. */
export interface BenchCase {
  name: string;
  path: string;
  /** Of an answer's body. */
  bodyBytes: number;
  connections: number;
  /** A new connection, tunnel and handshake for each request. */
  isNewConnectionEach: boolean;
  /** Each request has a query of its own: no head comes twice. */
  isEachDifferent?: boolean;
}

const kibibyte = 1024;

export const benchCases: readonly BenchCase[] = [
  { name: 'keep-alive 1 KB', path: '/v1/1k', bodyBytes: kibibyte, connections: 32, isNewConnectionEach: false },
  {
    name: 'keep-alive 1 KB, each request different',
    path: '/v1/1k',
    bodyBytes: kibibyte,
    connections: 32,
    isNewConnectionEach: false,
    isEachDifferent: true,
  },
  { name: 'keep-alive 64 KB', path: '/v1/64k', bodyBytes: 64 * kibibyte, connections: 32, isNewConnectionEach: false },
  {
    name: 'keep-alive 10 MB',
    path: '/v1/10m',
    bodyBytes: 10 * kibibyte * kibibyte,
    connections: 4,
    isNewConnectionEach: false,
  },
  { name: 'new tunnel 1 KB', path: '/v1/1k', bodyBytes: kibibyte, connections: 16, isNewConnectionEach: true },
];

/** Where an engine listens and how it is entered. */
export interface EnginePort {
  port: number;
  /** `connect`: CONNECT first, then TLS. `tls`: TLS at once, as to a reverse proxy. */
  entry: 'connect' | 'tls';
  /** Value of Authorization. Default: the placeholder. */
  authorization?: string;
  /** Value of Proxy-Authorization. */
  proxyAuthorization?: string;
}

/** What the load generator is told. */
export interface LoadOrder extends EnginePort {
  load: BenchCase;
  warmUpMs: number;
  /** The measured part ends after this long or after `maxRequests`, whichever comes first. */
  maxDurationMs: number;
  maxRequests: number;
  /** Open loop at this rate; absent: each connection asks again as soon as it has its answer. */
  requestsPerSecond?: number;
}

/** What the load generator found in the measured part. */
export interface LoadResult {
  requests: number;
  errors: number;
  firstError?: string;
  seconds: number;
  p50Ms: number;
  p99Ms: number;
}

/** Messages of the load generator: the measured part begins; it has ended. */
export type LoadMessage = { kind: 'measuring' } | { kind: 'done'; result: LoadResult };
