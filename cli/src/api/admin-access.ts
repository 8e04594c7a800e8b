import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { CliError, usageError } from '../cli-error.ts';
import type { Environment } from '../environment.ts';
import { readPrivateFile } from '../private-file.ts';
import { SavedLogin } from '../saved-login.ts';

/** How to reach the API as an admin. */
export interface AdminAccess {
  /** Origin of the API, without a slash at the end. */
  readonly apiUrl: string;
  /** Value of the Authorization header. */
  readonly authorization: string;
  /** The proxy's address where it is known. */
  readonly proxyUrl: string | undefined;
  /** Where the credentials came from, for messages. */
  readonly source: string;
}

/** What `npm start` leaves in its data folder for the CLI on the same machine. */
const localAccessSchema = z.looseObject({ apiUrl: z.url(), proxyUrl: z.url().optional(), token: z.string().min(1) });
interface LocalAccess {
  readonly apiUrl: string;
  readonly proxyUrl: string | undefined;
  readonly token: string;
  readonly path: string;
}

const defaultApiUrl = 'http://127.0.0.1:10255';
const notRunning =
  'start it with `npm start`, or say where it is: ONECLI_DATA_DIR, if it runs on this machine with another data folder; ONECLI_API_URL with ONECLI_API_KEY, or with ONECLI_ADMIN_USER and ONECLI_ADMIN_PASSWORD';

/** Admin access: credentials from the environment, else a saved login, else the file that a gateway on this machine left. Throws when there is none. */
export function requireAdminAccess(environment: Environment, apiUrlOption: string | undefined): AdminAccess {
  const access = findAdminAccess(environment, apiUrlOption);
  if (access !== undefined) return access;
  const apiUrl = apiUrlOption ?? environment.apiUrl;
  if (apiUrl === undefined) {
    const folders = localFolders(environment).map((folder) => resolve(folder));
    throw new CliError(`no running gateway was found in ${[...new Set(folders)].join(' or ')}`, { hint: notRunning });
  }
  throw new CliError(`no credentials for ${originOf(apiUrl)}`, {
    hint: 'set ONECLI_API_KEY, or ONECLI_ADMIN_USER and ONECLI_ADMIN_PASSWORD',
  });
}

/** As `requireAdminAccess`, but gives undefined when there is none: an agent's machine has none. */
export function findAdminAccess(environment: Environment, apiUrlOption: string | undefined): AdminAccess | undefined {
  const apiUrl = apiUrlOption === undefined ? environment.apiUrl : checkedUrl(apiUrlOption);
  const local = readLocalAccess(environment);
  const given = givenAuthorization(environment);
  if (given !== undefined) {
    const url = originOf(apiUrl ?? local?.apiUrl ?? defaultApiUrl);
    const isLocal = local !== undefined && originOf(local.apiUrl) === url;
    return { apiUrl: url, ...given, proxyUrl: isLocal ? local.proxyUrl : undefined };
  }
  const saved = savedAccess(environment, apiUrl, local);
  if (saved !== undefined) return saved;
  // The file's token never goes to another gateway than the one that wrote it.
  if (local === undefined || (apiUrl !== undefined && originOf(apiUrl) !== originOf(local.apiUrl))) return undefined;
  const { proxyUrl, path } = local;
  return { apiUrl: originOf(local.apiUrl), authorization: `Bearer ${local.token}`, proxyUrl, source: path };
}

function givenAuthorization(environment: Environment): { authorization: string; source: string } | undefined {
  const { apiKey, adminUser, adminPassword } = environment;
  if (apiKey !== undefined) return { authorization: `Bearer ${apiKey}`, source: 'ONECLI_API_KEY' };
  if (adminPassword === undefined) return undefined;
  const pair = Buffer.from(`${adminUser ?? 'admin'}:${adminPassword}`, 'utf8').toString('base64');
  return { authorization: `Basic ${pair}`, source: 'ONECLI_ADMIN_USER and ONECLI_ADMIN_PASSWORD' };
}

/** The session of `onecli login`, for the gateway that it was opened at and no other. */
function savedAccess(
  environment: Environment,
  apiUrl: string | undefined,
  local: LocalAccess | undefined,
): AdminAccess | undefined {
  const login = new SavedLogin(environment);
  const saved = login.read();
  if (saved === undefined || (apiUrl !== undefined && originOf(apiUrl) !== saved.apiUrl)) return undefined;
  const isLocal = local !== undefined && originOf(local.apiUrl) === saved.apiUrl;
  const proxyUrl = isLocal ? local.proxyUrl : undefined;
  return {
    apiUrl: saved.apiUrl,
    authorization: `Bearer ${saved.token}`,
    proxyUrl,
    source: `${login.path}: onecli login`,
  };
}

/** Where to sign in: what is said, the gateway on this machine, or the default. */
export function loginUrl(environment: Environment, apiUrlOption: string | undefined): string {
  const said = apiUrlOption === undefined ? environment.apiUrl : checkedUrl(apiUrlOption);
  return originOf(said ?? readLocalAccess(environment)?.apiUrl ?? defaultApiUrl);
}

/** The data folders in which a gateway on this machine may have left its access. */
function localFolders({ dataDir }: Environment): string[] {
  const repository = fileURLToPath(new URL('../../../', import.meta.url));
  return dataDir === undefined ? ['data', join(repository, 'data')] : [dataDir];
}

function readLocalAccess(environment: Environment): LocalAccess | undefined {
  for (const folder of localFolders(environment)) {
    const path = join(folder, 'local-access.json');
    const text = readPrivateFile(path);
    if (text === undefined) continue;
    const parsed = localAccessSchema.safeParse(parseJson(text));
    if (!parsed.success)
      throw new CliError(`${path} is not what the gateway writes`, { hint: 'restart the gateway: it writes it anew' });
    return { apiUrl: parsed.data.apiUrl, proxyUrl: parsed.data.proxyUrl, token: parsed.data.token, path };
  }
  return undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function checkedUrl(text: string): string {
  const isUsable = URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).username === '';
  if (!isUsable) throw usageError('--api-url has to be an http:// or https:// URL without a user name or password');
  return text;
}

/** Origin of a URL (RFC 6454), the form that access and tokens are keyed by. */
export function originOf(url: string): string {
  return new URL(url).origin;
}
