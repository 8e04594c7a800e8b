import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { variables as onecli } from '../../../cli/src/environment.ts';
import { variables as controlPlane } from '../../../control-plane/src/config-variables.ts';
import { workerEnvironment as worker } from '../../../data-plane/src/worker-environment.ts';
import { clusterVariables as cluster } from './cluster/config.ts';
import { variables as supervisor } from './config.ts';

const lines = readFileSync(new URL('../../../.env.example', import.meta.url), 'utf8').split('\n');
const entries = lines.flatMap((line, index) => {
  const match = /^# ([A-Z][A-Z0-9_]*)=(.*)$/.exec(line);
  return match ? [{ name: match[1] ?? '', value: match[2] ?? '', meaning: lines[index - 1] ?? '' }] : [];
});
const processes = { supervisor, cluster, worker, 'control plane': controlPlane };
/** What the command line alone reads: of what it shares with a process, that has the default. */
const shared = new Set(Object.values(processes).flatMap(({ shape }) => Object.keys(shape)));
const ofCommandLine = Object.entries(onecli.shape).filter(([name]) => !shared.has(name));
const schemas = Object.entries({ ...processes, 'command line': { shape: Object.fromEntries(ofCommandLine) } });

describe('.env.example', () => {
  it('names every variable that a process or the command line reads, once each, and no other', () => {
    const read = new Set(schemas.flatMap(([, { shape }]) => Object.keys(shape)));
    expect(entries.map(({ name }) => name).toSorted()).toEqual([...read].toSorted());
  });

  it.each(schemas)('gives the defaults of the %s', (_name, { shape }) => {
    for (const [name, schema] of Object.entries(shape)) {
      const byDefault = schema.safeParse(undefined);
      const value = byDefault.success && byDefault.data !== undefined ? String(byDefault.data) : '';
      expect(`${name}=${entries.find((entry) => entry.name === name)?.value}`).toBe(`${name}=${value}`);
    }
  });

  it('says in a line what each variable is for', () => {
    for (const { name, meaning } of entries) expect(meaning, name).toMatch(/^# .+[.]$/);
  });

  it('says the same of limits as docs/operations.md', () => {
    const table = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
    const rows = [...table.matchAll(/^\| `(ONECLI_LIMIT_[A-Z0-9_]+)` \| ([0-9]+) \| (.+) \|$/gm)];
    expect(rows.map(([, name, value, meaning]) => `# ${meaning}\n# ${name}=${value}`)).toEqual(
      entries
        .filter(({ name }) => name.startsWith('ONECLI_LIMIT_'))
        .map((one) => `${one.meaning}\n# ${one.name}=${one.value}`),
    );
  });

  it('sets nothing when it is copied as it is', () => {
    expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);
  });
});
