import type { Onecli } from '../support/start-onecli.ts';

/** Of one configuration of many objects, in milliseconds. */
export interface ApplyTimes {
  readonly plan: number;
  readonly apply: number;
  /** The second time, when there is nothing to do. */
  readonly again: number;
  /** How many changes there were to make then. */
  readonly changesAgain: number;
  readonly remove: number;
}

interface Planned {
  readonly planHash: string | null;
  readonly changes: readonly { readonly action: string }[];
}

const managedBy = 'scale-apply';
const counts = { secrets: 500, agents: 300, policies: 150, routes: 50 };
export const appliedObjects = Object.values(counts).reduce((sum, count) => sum + count, 0);

/** Plans and applies a configuration of a thousand objects, plans it again, and prunes it. @throws Error when it does not come out so */
export async function measureApply(onecli: Onecli): Promise<ApplyTimes> {
  const config = configuration();
  const [planMs, plan] = await timed(() => planOf(onecli, config));
  expectActions(plan, 'CREATE', appliedObjects);
  const [applyMs] = await timed(() => applyOf(onecli, config, plan));
  const [againMs, again] = await timed(() => planOf(onecli, config));
  const changesAgain = again.changes.filter(({ action }) => action !== 'NONE').length;
  const nothing = { secrets: [], agents: [], policies: [], routes: [] };
  const removal = await planOf(onecli, nothing);
  expectActions(removal, 'DELETE', appliedObjects);
  const [removeMs] = await timed(() => applyOf(onecli, nothing, removal));
  return { plan: planMs, apply: applyMs, again: againMs, changesAgain, remove: removeMs };
}

function configuration(): object {
  const times = <T>(count: number, make: (name: string, index: number) => T): T[] =>
    Array.from({ length: count }, (_, index) => make(`applied-${String(index).padStart(4, '0')}`, index));
  const hosts = (index: number): string[] => [`api-${index % 100}.example.com`];
  return {
    secrets: times(counts.secrets, (name, index) => ({
      name: `scale/${name}`,
      value: `value of ${name}`,
      binding: { hosts: hosts(index) },
    })),
    agents: times(counts.agents, (name, index) => ({ name, labels: { team: `team-${index % 10}` } })),
    policies: times(counts.policies, (name, index) => ({
      name,
      agents: [name],
      rules: [{ allow: { hosts: hosts(index), paths: ['/v1/**'], secrets: [`scale/${name}`] } }],
    })),
    routes: times(counts.routes, (name, index) => ({
      name,
      secret: `scale/${name}`,
      hosts: hosts(index),
      inject: [{ header: { name: 'x-key', template: '{secret}' } }],
    })),
  };
}

function planOf(onecli: Onecli, config: object): Promise<Planned> {
  return onecli.must<Planned>('POST', '/api/plan', { config, managedBy, prune: true });
}

function applyOf(onecli: Onecli, config: object, { planHash }: Planned): Promise<unknown> {
  return onecli.must('POST', '/api/apply', { config, managedBy, prune: true, planHash });
}

function expectActions({ changes }: Planned, action: string, count: number): void {
  const found = changes.filter((change) => change.action === action).length;
  if (found !== count || changes.length !== count)
    throw new Error(`${found} of ${changes.length} changes are ${action}, where ${count} were to be`);
}

async function timed<T>(work: () => Promise<T>): Promise<[number, T]> {
  const startedMs = performance.now();
  const result = await work();
  return [performance.now() - startedMs, result];
}
