import { type ApiAnswer, callApi } from '../../api/testing/call-api.ts';
import type { Served } from '../../api/testing/serve.ts';
import type { Assignment } from '../principal.ts';

/** A good password, unlike any other. */
export const passwordOf = (name: string): string => `Wombat-Ofen-${name}-7319`;

/** Calls the API with these headers alone. */
export const callAs = (
  api: Served,
  headers: Record<string, string>,
  method: string,
  path: string,
  body?: unknown,
): Promise<ApiAnswer> => callApi(api.url + path, method, body, headers);

/** Makes a user who can sign in. */
export async function makeUser(api: Served, name: string, roles: readonly Assignment[]): Promise<void> {
  const invited = await api.call('POST', '/api/users', { name, roles });
  if (invited.status !== 201) throw new Error(`${name} was not invited: ${invited.text}`);
  const { token } = invited.json as { token: string };
  const set = await callAs(api, {}, 'POST', '/api/password', { token, password: passwordOf(name) });
  if (set.status !== 200) throw new Error(`${name} has no password: ${set.text}`);
}

/** Signs a user in, and gives the cookie. */
export async function signIn(api: Served, user: string, password = passwordOf(user)): Promise<string> {
  const answer = await callAs(api, {}, 'POST', '/api/login', { user, password });
  const cookie = /^([^;]+);/.exec(answer.headers['set-cookie'] ?? '')?.[1];
  if (answer.status !== 200 || cookie === undefined) throw new Error(`${user} is not signed in: ${answer.text}`);
  return cookie;
}

/** The headers of a page of this origin. */
export function fromPage(api: Served, cookie: string): Record<string, string> {
  return { cookie, origin: api.url };
}

/** Makes an API key as somebody, and gives the headers that use it. */
export async function makeKey(
  api: Served,
  headers: Record<string, string>,
  body: { readonly name: string } & Record<string, unknown>,
): Promise<Record<string, string>> {
  const answer = await callAs(api, headers, 'POST', '/api/api-keys', body);
  if (answer.status !== 201) throw new Error(`There is no key ${body.name}: ${answer.text}`);
  return { authorization: `Bearer ${(answer.json as { token: string }).token}` };
}
