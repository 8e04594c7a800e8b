/** The arguments of `onecli start`. */
import { Command, CommanderError } from 'commander';
import { logLevels } from './log-levels.ts';

export interface Flag {
  /** As commander writes it: `--workers <number>`. */
  readonly flag: string;
  readonly variable: string;
  readonly text: string;
}

/** The command that the flags are for. */
export interface FlagCommand {
  readonly name: string;
  readonly description: string;
  readonly flags: readonly Flag[];
}

/** There is no flag for a secret: every user of the machine can read a process's arguments. */
const startFlags: readonly Flag[] = [
  {
    flag: '--data-dir <folder>',
    variable: 'ONECLI_DATA_DIR',
    text: 'where the database, the master key and the logs are (./data)',
  },
  { flag: '--workers <number>', variable: 'ONECLI_WORKERS', text: 'how many proxy processes share the proxy port (1)' },
  { flag: '--proxy-port <port>', variable: 'ONECLI_PROXY_PORT', text: 'for agents (10254)' },
  { flag: '--api-port <port>', variable: 'ONECLI_API_PORT', text: 'for admins (10255)' },
  { flag: '--bind <address>', variable: 'ONECLI_BIND', text: 'address that both ports listen on (127.0.0.1)' },
  {
    flag: '--master-key-file <file>',
    variable: 'ONECLI_MASTER_KEY_FILE',
    text: 'file with 64 hexadecimal digits (made in the data folder)',
  },
  { flag: '--admin-user <name>', variable: 'ONECLI_ADMIN_USER', text: 'name of the first admin (admin)' },
  {
    flag: '--upstream-ca-file <file>',
    variable: 'ONECLI_UPSTREAM_CA_FILE',
    text: 'further roots, as PEM, for the certificates of upstreams',
  },
  {
    flag: '--client-ca-file <file>',
    variable: 'ONECLI_CLIENT_CA_FILE',
    text: 'authorities, as PEM, whose client certificates may be agents',
  },
  {
    flag: '--trusted-proxies <ranges>',
    variable: 'ONECLI_TRUSTED_PROXIES',
    text: 'load balancers that send the PROXY protocol',
  },
  {
    flag: '--proxy-protocol <mode>',
    variable: 'ONECLI_PROXY_PROTOCOL',
    text: 'optional or required: whether they may leave it out',
  },
  {
    flag: '--allow-ranges <ranges>',
    variable: 'ONECLI_ALLOW_RANGES',
    text: 'private address ranges that may be dialled',
  },
  { flag: '--connect-to <list>', variable: 'ONECLI_CONNECT_TO', text: 'host:port=address:port,… to dial instead' },
  {
    flag: '--gateway-names <names>',
    variable: 'ONECLI_GATEWAY_NAMES',
    text: 'host names by which agents reach this gateway',
  },
  {
    flag: '--refuse-inside-tunnel <on|off>',
    variable: 'ONECLI_REFUSE_INSIDE_TUNNEL',
    text: 'refuse hosts where clients show the reason (on)',
  },
  {
    flag: '--drain-ms <milliseconds>',
    variable: 'ONECLI_DRAIN_MS',
    text: 'what requests under way get to finish when OneCLI stops (10000)',
  },
  { flag: '--log-level <level>', variable: 'ONECLI_LOG_LEVEL', text: `${logLevels.join(', ')} (info)` },
];

/** `npm run cluster`: the same, but for the number of workers, and what only a cluster has. */
export const clusterCommand: FlagCommand = {
  name: 'npm run cluster --',
  description: 'Starts a database, Redis, a load balancer, control planes and workers, as processes of this machine.',
  flags: [
    ...startFlags.filter(({ variable }) => variable !== 'ONECLI_WORKERS'),
    { flag: '--workers <number>', variable: 'ONECLI_CLUSTER_WORKERS', text: 'how many workers (4)' },
    { flag: '--control-planes <number>', variable: 'ONECLI_CLUSTER_CONTROL_PLANES', text: 'how many (2)' },
    {
      flag: '--redis <auto|on|off>',
      variable: 'ONECLI_CLUSTER_REDIS',
      text: 'auto: if there is a redis-server (auto)',
    },
    {
      flag: '--first-port <port>',
      variable: 'ONECLI_CLUSTER_FIRST_PORT',
      text: 'of the ports, one after another, of what is behind the load balancer (10300)',
    },
  ],
};

export const startCommand: FlagCommand = {
  name: 'onecli start',
  description: 'Starts the database, the control plane and the workers.',
  flags: startFlags,
};

export type ReadFlags =
  | { readonly kind: 'flags'; readonly values: Readonly<Record<string, string | undefined>> }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'faults'; readonly faults: readonly string[] };

/** Reads the arguments: the variables that they stand for, or what to tell instead of a start. */
export function readFlags(argv: readonly string[], { name, description, flags }: FlagCommand): ReadFlags {
  let output = '';
  const write = (text: string) => void (output += text);
  const command = new Command(name)
    .description(`${description} Each flag has a variable: --proxy-port is ONECLI_PROXY_PORT.`)
    .configureOutput({ writeOut: write, writeErr: () => undefined })
    .exitOverride()
    .allowExcessArguments(false);
  for (const { flag, text } of flags) command.option(flag, text);
  command.addHelpText(
    'after',
    '\nONECLI_MASTER_KEY and ONECLI_ADMIN_PASSWORD are variables only: arguments can be read by every user of the machine.',
  );
  try {
    command.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.helpDisplayed') return { kind: 'help', text: output };
    return { kind: 'faults', faults: [describeFlagFault(error)] };
  }
  const values = command.opts<Record<string, string | undefined>>();
  return {
    kind: 'flags',
    values: Object.fromEntries(
      flags.map(({ flag, variable }) => [variable, values[optionKey(flag)]]).filter(([, value]) => value !== undefined),
    ),
  };
}

/** Commander's messages name flags; those about excess arguments would repeat a value. */
function describeFlagFault(error: CommanderError): string {
  if (error.code === 'commander.unknownOption')
    return `${
      error.message
        .replace(/^error: /, '')
        .replace(/=.*'/, "'")
        .split('\n')[0]
    }: see --help`;
  if (error.code === 'commander.excessArguments') return 'only flags are expected: see --help';
  return `${error.message.replace(/^error: /, '').split('\n')[0]}`;
}

function optionKey(flag: string): string {
  const name = flag.split(' ')[0] ?? flag;
  return name.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
