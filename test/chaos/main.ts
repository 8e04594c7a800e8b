/** `npm run chaos -- <scenario> [flags]`: see `--help`. Exit code 1 when a sentence of the verdict does not hold, 2 for a wrong call. */
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { scenarios } from './all-scenarios.ts';
import type { Scenario } from './scenario.ts';

const generalHelp = [
  ['--seed N', 'makes the random choices of an earlier run again'],
  ['--redis auto|on|off', 'whether the cluster has Redis (auto: where there is a redis-server)'],
  ['--json FILE', 'keeps the counts and figures'],
] as const;

function help(name?: string): string {
  const named = name === undefined ? undefined : scenarios[name];
  const rows: (readonly [string, string])[] =
    named === undefined
      ? Object.entries(scenarios).map(([each, { summary }]) => [each, summary])
      : Object.entries(named.flags).map(([flag, { byDefault, help: text }]) => [
          `--${flag} N`,
          `${text} (${byDefault})`,
        ]);
  return [
    `npm run chaos -- ${name ?? '<scenario>'} [flags]`,
    named === undefined
      ? 'Runs a cluster of its own, does something bad to it, and compares what was seen.'
      : named.summary,
    '',
    ...[...rows, ...(named === undefined ? [['<scenario> --help', 'its flags'] as const] : []), ...generalHelp].map(
      ([left, right]) => `  ${left.padEnd(22)} ${right}`,
    ),
  ].join('\n');
}

function fail(message: string): never {
  console.error(`${message}\n\n${help()}`);
  process.exit(2);
}

function readFlags(name: string, { flags }: Scenario, argv: readonly string[]) {
  const text = { type: 'string' } as const;
  const options: Record<string, typeof text> = {
    ...Object.fromEntries(Object.keys(flags).map((flag) => [flag, text])),
    seed: text,
    redis: text,
    json: text,
  };
  try {
    const values: Record<string, string | undefined> = parseArgs({ args: [...argv], options }).values;
    const numbers = Object.fromEntries(
      Object.entries(flags).map(([flag, { byDefault, most }]) => {
        const value = Number(values[flag] ?? byDefault);
        if (!(value >= 0 && value <= most)) fail(`--${flag} of ${name}: expected a number from 0 to ${most}`);
        return [flag, value];
      }),
    );
    const {
      seed = String(randomInt(2 ** 31)),
      redis = 'auto',
      json,
    } = values as Partial<Record<'seed' | 'redis' | 'json', string>>;
    if (redis !== 'auto' && redis !== 'on' && redis !== 'off') fail('--redis: expected auto, on or off');
    return { numbers, seed: Number(seed), redis, json } as const;
  } catch (error) {
    return fail((error as Error).message);
  }
}

const [name = '--help', ...argv] = process.argv.slice(2);
if (name === '--help' || argv.includes('--help')) {
  console.log(help(name in scenarios ? name : undefined));
  process.exit(0);
}
// The cluster's processes are ended by what runs at exit.
for (const [signal, number] of Object.entries({ SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }))
  process.once(signal, () => process.exit(128 + number));
const chosen = scenarios[name] ?? fail(`there is no scenario ${name}`);
const { numbers, seed, redis, json } = readFlags(name, chosen, argv);
const told = Object.entries(numbers).map(([flag, value]) => `${flag} ${value}`);
console.log(`${name}: ${[...told, `seed ${seed}`].join(', ')}, ${new Date().toISOString()}`);
const { isSound, text, record } = await chosen.run(numbers, { seed, redis, say: (line) => console.log(line) });
console.log(text);
console.log(isSound ? 'everything holds' : 'NOT EVERYTHING HOLDS');
if (json !== undefined)
  writeFileSync(json, `${JSON.stringify({ scenario: name, seed, isSound, ...record }, undefined, 2)}\n`);
process.exit(isSound ? 0 : 1);
