import { z } from 'zod';
import { usageError } from './cli-error.ts';

/** Variables of a child process or of this one: absent means not set. */
export type Variables = Readonly<Record<string, string>>;

const text = z.string().min(1).optional();
const httpUrl = z
  .string()
  .refine(isPlainHttpUrl, 'expected an http:// or https:// URL without a user name or password')
  .optional();
const proxyUrl = z.string().refine(isHttpUrl, 'expected an http:// or https:// URL').optional();

/** The variables that `onecli` reads. An empty one counts as not set. */
export const variables = z.object({
  ONECLI_API_URL: httpUrl,
  ONECLI_API_KEY: text,
  ONECLI_ADMIN_USER: text,
  ONECLI_ADMIN_PASSWORD: text,
  ONECLI_DATA_DIR: text,
  ONECLI_PROXY_URL: proxyUrl,
  ONECLI_AGENT: text,
  ONECLI_AGENT_TOKEN: text,
  XDG_CONFIG_HOME: text,
  XDG_CACHE_HOME: text,
  HOME: text,
  NO_COLOR: text,
});

/** The settings that the CLI reads, parsed once. */
export interface Environment {
  readonly apiUrl: string | undefined;
  readonly apiKey: string | undefined;
  readonly adminUser: string | undefined;
  readonly adminPassword: string | undefined;
  readonly dataDir: string | undefined;
  readonly proxyUrl: string | undefined;
  readonly agent: string | undefined;
  readonly agentToken: string | undefined;
  readonly configHome: string | undefined;
  readonly cacheHome: string | undefined;
  readonly home: string | undefined;
  readonly isColorRefused: boolean;
  /** Everything that was inherited, for the child of `run` and for `doctor`. */
  readonly inherited: Variables;
}

/**
 * Parses the variables of this process. An empty variable counts as not set.
 * Throws a usage error that lists every fault by name, never by value.
 */
export function readEnvironment(source: Record<string, string | undefined> = process.env): Environment {
  const inherited: Record<string, string> = {};
  for (const [name, value] of Object.entries(source)) if (value !== undefined) inherited[name] = value;
  const parsed = variables.safeParse(Object.fromEntries(Object.entries(inherited).filter(([, value]) => value !== '')));
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
    throw usageError(`the environment has faults:\n${faults.join('\n')}`);
  }
  const found = parsed.data;
  return {
    apiUrl: found.ONECLI_API_URL,
    apiKey: found.ONECLI_API_KEY,
    adminUser: found.ONECLI_ADMIN_USER,
    adminPassword: found.ONECLI_ADMIN_PASSWORD,
    dataDir: found.ONECLI_DATA_DIR,
    proxyUrl: found.ONECLI_PROXY_URL,
    agent: found.ONECLI_AGENT,
    agentToken: found.ONECLI_AGENT_TOKEN,
    configHome: found.XDG_CONFIG_HOME,
    cacheHome: found.XDG_CACHE_HOME,
    home: found.HOME,
    isColorRefused: found.NO_COLOR !== undefined,
    inherited,
  };
}

function isHttpUrl(value: string): boolean {
  return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
}

function isPlainHttpUrl(value: string): boolean {
  if (!isHttpUrl(value)) return false;
  const url = new URL(value);
  return url.username === '' && url.password === '';
}
