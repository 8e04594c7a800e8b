import { providerHost } from './provider.ts';

export const admin = { authorization: 'Bearer onecli://prod/admin' };
export const create = {
  url: `https://${providerHost}/keys`,
  headers: admin,
  valuePath: '$.data[0].secret',
  keyIdPath: '$.data[0].id',
};
/** Makes a key at the provider, tries it once, and ends the old one, with no time in between. */
export const recipe = {
  create,
  verify: { method: 'GET', url: `https://${providerHost}/me`, headers: { authorization: 'Bearer {{new}}' } },
  revoke: { method: 'DELETE', url: `https://${providerHost}/keys/{{oldKeyId}}`, headers: admin },
  verifyAttempts: 1,
  verifyEverySeconds: 0,
  watchSeconds: 0,
  graceSeconds: 0,
  currentKeyId: 'key-0',
};
