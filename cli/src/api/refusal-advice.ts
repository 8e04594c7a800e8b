/** What an API's refusal says, for somebody who typed a command: its own advice speaks of requests. */
export interface Advice {
  readonly message: string;
  readonly hint: string | undefined;
}

/** How the objects of a path of the API are listed. */
const listCommands: ReadonlyMap<string, string> = new Map([
  ['secrets', 'secret list'],
  ['agents', 'agent list'],
  ['policies', 'policy list'],
  ['routes', 'route list'],
  ['users', 'user list'],
  ['api-keys', 'key list'],
  ['rotations', 'rotation list'],
]);

/** Names what was not there and how to see what is; leaves away advice that only says the message again. */
export function adviceFor(code: string, path: string, { message, hint }: Advice): Advice {
  const [, , kind = '', name] = path.split('/');
  const list = listCommands.get(kind);
  switch (code) {
    case 'NOT_FOUND':
      return {
        message: name === undefined ? message : message.replace(/ of that name$/, ` "${decodeURIComponent(name)}"`),
        hint: list === undefined || name === undefined ? undefined : `those that are there: onecli ${list}`,
      };
    case 'INVALID':
      return { message, hint: undefined };
    case 'UNAUTHENTICATED':
      return { message, hint: 'set ONECLI_API_KEY, or ONECLI_ADMIN_USER and ONECLI_ADMIN_PASSWORD, or: onecli login' };
    default:
      return { message, hint };
  }
}
