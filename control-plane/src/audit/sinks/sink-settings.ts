import { z } from 'zod';

/** Where syslog messages go: `syslog+tls://host:port`, or tcp or udp. */
export interface SyslogTarget {
  readonly protocol: 'tls' | 'tcp' | 'udp';
  readonly host: string;
  readonly port: number;
}

const webhookText = 'expected an https:// URL without a user or password';
const syslogText = 'expected syslog+tls://, syslog+tcp:// or syslog+udp://, a host and perhaps a port';
const defaultPorts = { tls: 6514, tcp: 601, udp: 514 } as const;

/** The variables of the sinks. */
export const sinkVariables = {
  ONECLI_AUDIT_WEBHOOK_URL: z
    .string()
    .refine((text) => isWebhook(text), webhookText)
    .optional(),
  ONECLI_AUDIT_WEBHOOK_KEY: z
    .string()
    .min(16, 'expected at least 16 characters')
    .max(1_024, 'expected at most 1024 characters')
    .optional(),
  ONECLI_AUDIT_SYSLOG_URL: z
    .string()
    .transform((text) => readSyslog(text))
    .refine((target) => target !== undefined, syslogText)
    .optional(),
};

function isWebhook(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return protocol === 'https:' && username === '' && password === '';
}

function readSyslog(text: string): SyslogTarget | undefined {
  const [, protocol, rest] = /^syslog\+(tls|tcp|udp):\/\/([^/?#@]+)\/?$/.exec(text) ?? [];
  if (protocol === undefined || !URL.canParse(`https://${rest}`)) return undefined;
  const { hostname, port } = new URL(`https://${rest}`);
  const known = protocol as SyslogTarget['protocol'];
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  // What URLs leave out is the port of their own protocol.
  const given = port === '' && rest?.endsWith(':443') ? 443 : Number(port);
  return { protocol: known, host, port: given === 0 ? defaultPorts[known] : given };
}
