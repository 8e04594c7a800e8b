import type { Service } from './services.ts';

/** A way to start an agent, and the command for it. */
export interface StartCommand {
  readonly id: string;
  readonly label: string;
  readonly text: string;
}

interface CommandFacts {
  readonly service: Service;
  readonly host: string;
  readonly secret: string;
  readonly agent: string;
  readonly token: string;
  readonly proxyUrl: string;
  readonly apiUrl: string;
}

/** The exact commands by which an agent sends its first request. What is put into them is quoted for a POSIX shell. */
export function startCommands(facts: CommandFacts): readonly StartCommand[] {
  const { service, host, secret, agent, token } = facts;
  const run = `ONECLI_AGENT_TOKEN=${token} npx onecli run --agent ${agent} --set ${service.variable}=${secret} --`;
  const url = `https://${host}${service.path}`;
  const python = `import os, urllib.request as r; print(r.urlopen(r.Request(${text(url)}, headers=${headerObject(service, 'os.environ')})).status)`;
  const node = `fetch(${text(url)}, {headers: ${headerObject(service, 'process.env')}}).then((r) => console.log(r.status))`;
  return [
    { id: 'curl', label: 'curl', text: curlCommand(facts, url) },
    { id: 'claude', label: 'Claude Code', text: `${run} claude` },
    { id: 'codex', label: 'Codex', text: `${run} codex` },
    { id: 'python', label: 'Python', text: `${run} python3 -c ${quote(python)}` },
    { id: 'node', label: 'Node', text: `${run} node -e ${quote(node)}` },
  ];
}

function curlCommand({ service, secret, agent, token, proxyUrl, apiUrl }: CommandFacts, url: string): string {
  const { protocol, host } = new URL(proxyUrl);
  const header = service.header.replace('{key}', `onecli://${secret}`);
  return [
    `curl -sS ${apiUrl}/ca.pem -o onecli-ca.pem &&`,
    `curl -sS --proxy ${protocol}//${agent}:${token}@${host} --cacert onecli-ca.pem -H ${quote(header)} ${quote(url)}`,
  ].join(' \\\n  ');
}

/** The header as an object, the same in Python and JavaScript but for how a variable is read. */
function headerObject({ header, variable }: Service, environment: string): string {
  const [name = '', value = ''] = header.split(': ');
  const prefix = value.replace('{key}', '');
  const key = `${environment}["${variable}"]`;
  return `{${text(name)}: ${prefix === '' ? key : `${text(prefix)} + ${key}`}}`;
}

function text(value: string): string {
  return JSON.stringify(value);
}

function quote(value: string): string {
  return `'${value.replaceAll("'", String.raw`'\''`)}'`;
}
