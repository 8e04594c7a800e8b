import { z } from 'zod';
import type { AppliedWait } from '../applied-wait.ts';
import { CliError } from '../cli-error.ts';
import { printable } from '../terminal.ts';
import type { AdminAccess } from './admin-access.ts';
import { adviceFor } from './refusal-advice.ts';

const timeoutMs = 30_000;
const downloadTimeoutMs = 3_600_000;
const maxPageItems = 200;
/** Posts that write nothing. */
const questions: readonly string[] = ['/api/plan'];
const errorSchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    hint: z.string().nullish(),
    field: z.string().nullish(),
  }),
});
const pageSchema = z.object({ items: z.array(z.unknown()), next: z.string().nullish() });

/** An answer of the API that says no. */
export class ApiError extends CliError {
  readonly status: number;
  readonly code: string;
  /** Which part of the input is wrong, as `rules[0].allow.hosts[1]`. */
  readonly field: string | undefined;

  constructor(status: number, code: string, message: string, hint: string | undefined, field?: string) {
    super(message, hint === undefined ? {} : { hint });
    this.status = status;
    this.code = code;
    this.field = field;
  }
}

/** No answer, or not all of it. */
export class UnansweredError extends CliError {
  /** False: no connection was made, so that nothing can have been done. */
  readonly wasSent: boolean;

  constructor(message: string, options: { readonly cause: unknown; readonly wasSent: boolean; readonly hint: string }) {
    super(message, options);
    this.wasSent = options.wasSent;
  }
}

/** What was under way when no connection was made. Some codes tell less: an open connection may end with EHOSTUNREACH, too. */
const connectingCalls = new Set(['connect', 'getaddrinfo']);

export type Query = Readonly<Record<string, string | undefined>>;

/** The REST API of one gateway, called as one admin. */
export class ApiClient {
  readonly #access: AdminAccess;
  readonly #wait: AppliedWait | undefined;

  /** @param wait absent: writes are answered when they are committed */
  constructor(access: AdminAccess, wait?: AppliedWait) {
    this.#access = access;
    this.#wait = wait;
  }

  /** Whether writes are answered when workers have applied them: then also one that changes nothing tells something. */
  get isWaiting(): boolean {
    return this.#wait?.waitMs !== undefined;
  }

  get apiUrl(): string {
    return this.#access.apiUrl;
  }

  /** The proxy's address, where the gateway told it. */
  get proxyUrl(): string | undefined {
    return this.#access.proxyUrl;
  }

  /** Calls the API and gives what its schema makes of the answer. Throws ApiError for a refusal, CliError when it cannot be reached. */
  async call<T>(method: string, path: string, schema: z.ZodType<T>, body?: unknown, query: Query = {}): Promise<T> {
    const waitMs = method === 'GET' || questions.includes(path) ? undefined : this.#wait?.waitMs;
    if (waitMs === undefined)
      return understand(await this.#request(method, path, body, query), schema, `${method} ${path}`);
    const asked = { ...query, wait: 'all', timeoutMs: String(waitMs) };
    const answer = await this.#request(method, path, body, asked, timeoutMs + waitMs);
    this.#wait?.take(answer);
    return understand(answer, schema, `${method} ${path}`);
  }

  /** As `call` with GET, but gives undefined for 404. */
  async find<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
    try {
      return await this.call('GET', path, schema);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Every item of a list, page after page, at most `maxItems`. */
  async list<T>(path: string, schema: z.ZodType<T>, query: Query = {}, maxItems = 10_000): Promise<T[]> {
    const items: T[] = [];
    const limit = String(Math.min(maxItems, maxPageItems));
    let after: string | undefined;
    do {
      const page = await this.call('GET', path, pageSchema, undefined, { ...query, limit, after });
      items.push(...page.items.map((item) => understand(item, schema, `GET ${path}`)));
      after = page.items.length === 0 ? undefined : (page.next ?? undefined);
    } while (after !== undefined && items.length < maxItems);
    return items.slice(0, maxItems);
  }

  /** Posts and gives what comes as it comes. Throws as `call` does. */
  async download(path: string, body: unknown): Promise<ReadableStream<Uint8Array>> {
    const response = await this.#send(new URL(path, this.#access.apiUrl), 'POST', body, downloadTimeoutMs);
    if (response.ok && response.body !== null) return response.body;
    throw this.#refusal(response.status, parseJson(await response.text()), `POST ${path}`);
  }

  /** Reads what comes as it comes. Throws as `call` does. */
  async read(path: string, query: Query): Promise<ReadableStream<Uint8Array>> {
    const response = await this.#send(this.#urlOf(path, query), 'GET', undefined, downloadTimeoutMs);
    if (response.ok && response.body !== null) return response.body;
    throw this.#refusal(response.status, parseJson(await response.text()), `GET ${path}`);
  }

  #urlOf(path: string, query: Query): URL {
    const url = new URL(path, this.#access.apiUrl);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
    return url;
  }

  async #request(method: string, path: string, body: unknown, query: Query, patienceMs?: number): Promise<unknown> {
    const url = this.#urlOf(path, query);
    const response = await this.#send(url, method, body, patienceMs);
    const text = await response.text().catch((cause: unknown) => {
      throw unanswered(url, cause);
    });
    const json = parseJson(text);
    if (response.ok) return json;
    throw this.#refusal(response.status, json, `${method} ${path}`);
  }

  async #send(url: URL, method: string, body: unknown, patienceMs = timeoutMs): Promise<Response> {
    const headers: Record<string, string> = { authorization: this.#access.authorization, accept: 'application/json' };
    if (body !== undefined) headers['content-type'] = 'application/json';
    try {
      return await fetch(url, {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        // A redirect would take a secret's value somewhere else.
        redirect: 'error',
        signal: AbortSignal.timeout(patienceMs),
      });
    } catch (cause) {
      throw unanswered(url, cause);
    }
  }

  #refusal(status: number, json: unknown, call: string): ApiError {
    const parsed = errorSchema.safeParse(json);
    if (!parsed.success)
      return new ApiError(status, `HTTP_${status}`, `the gateway answered ${call} with ${status}`, undefined);
    const { code, field } = parsed.data.error;
    const path = call.slice(call.indexOf(' ') + 1);
    const told = { message: parsed.data.error.message, hint: parsed.data.error.hint ?? undefined };
    const { message, hint } = adviceFor(code, path, told);
    const source = status === 401 ? ` (credentials from ${this.#access.source})` : '';
    return new ApiError(
      status,
      code,
      `${printable(message)}${source}`,
      hint ? printable(hint) : undefined,
      field ?? undefined,
    );
  }
}

function unanswered({ origin }: URL, cause: unknown): UnansweredError {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const code = inner instanceof Error ? (inner as NodeJS.ErrnoException).code : undefined;
  const hint = 'start it with `npm start`, or say where it is with ONECLI_API_URL';
  if (inner instanceof Error && inner.message === 'unexpected redirect')
    return new UnansweredError(`${origin} redirects, and keys are not sent after it`, {
      cause,
      wasSent: false,
      hint: 'give the address that it redirects to, with https:// perhaps, as ONECLI_API_URL',
    });
  // Ports that the Fetch standard refuses have no code: https://fetch.spec.whatwg.org/#port-blocking
  const isBlocked = inner instanceof Error && inner.message === 'bad port';
  if (isBlocked || isOfConnecting(inner))
    return new UnansweredError(`no gateway answers at ${origin}`, { cause, wasSent: false, hint });
  const isSlow = cause instanceof DOMException && cause.name === 'TimeoutError';
  const reason = typeof code === 'string' ? ` (${code})` : '';
  const message = isSlow
    ? `the gateway at ${origin} did not answer in time`
    : `the connection to ${origin} ended before its answer${reason}`;
  return new UnansweredError(message, { cause, wasSent: true, hint });
}

/** Whether an error is of making a connection; where several addresses were tried, of every one. */
function isOfConnecting(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isOfConnecting);
  return error instanceof Error && connectingCalls.has((error as NodeJS.ErrnoException).syscall ?? '');
}

function understand<T>(answer: unknown, schema: z.ZodType<T>, call: string): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues.map((issue) => issue.path.join('.') || 'the whole').join(', ');
  throw new CliError(`the gateway's answer to ${call} is not understood (${where})`, {
    hint: 'the gateway and this CLI are of different versions?',
  });
}

function parseJson(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
