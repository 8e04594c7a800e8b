import { MemoryConfigBus } from '@onecli/shared/adapters/memory/config-bus';
import type {
  ConfigChanges,
  SnapshotSource,
  StoredKeys,
  StoreEpoch,
  StorePosition,
} from '@onecli/shared/ports/snapshot-source';
import { keyCheckValue } from '@onecli/shared/vault/key-check';
import { Keyring } from '@onecli/shared/vault/keyring';
import { MasterKey } from '@onecli/shared/vault/master-key';
import { pino } from 'pino';
import { EpochGuard } from '../epoch-guard.ts';
import { FollowedConfiguration, type FollowOptions } from '../follow-configuration.ts';
import { sampleAgent } from './sample-snapshot.ts';
import { WorkerKeys } from '../worker-keys.ts';

const master = MasterKey.fromHex('5a'.repeat(32));
export const instanceId = '0192f0c1-2b3c-7d4e-8f50-112233445566';
const { keyring: made, wrappedTerm } = Keyring.create(master, instanceId);
export const term1 = wrappedTerm;
export const term2 = made.wrapNewTerm();
export const epochKey = Buffer.alloc(32, 7);

/** A store in memory: its one agent is named after the revision. */
export class FakeSource implements SnapshotSource {
  stored = 1;
  keys: StoredKeys = { generation: 0, keyCheck: keyCheckValue(master, instanceId), terms: [term1] };
  epoch: StoreEpoch = { epoch: 0, mac: undefined, isRestored: false };
  isAway = false;
  loads = 0;
  looks = 0;
  running = 0;
  mostRunning = 0;
  /** While it is set, loads wait for it. */
  gate: Promise<void> | undefined;
  lookGate: Promise<void> | undefined;

  async position(): Promise<StorePosition> {
    this.looks++;
    await this.lookGate;
    if (this.isAway) throw new Error('the store is away');
    return { revision: this.stored, keyGeneration: this.keys.generation, epoch: this.epoch };
  }

  async changesSince(revision: number | undefined): Promise<ConfigChanges> {
    this.loads++;
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    const { stored } = this;
    try {
      await this.gate;
      if (this.isAway) throw new Error('the store is away');
    } finally {
      this.running--;
    }
    return {
      revision: stored,
      keys: this.keys,
      epoch: this.epoch,
      isWhole: revision === undefined || revision > stored,
      secrets: [],
      agents: [{ ...sampleAgent(`agent-${stored}`, { id: '1' }), sealedIdentities: undefined, mac: undefined }],
      policies: [],
      routes: [],
      authority: { id: 'authority-1', certificatePem: 'PEM', sealedKey: Buffer.alloc(0) },
      otherAuthorities: undefined,
      clientAuthorities: [],
      removedIds: [],
    };
  }

  instance = () => Promise.reject(new Error('not asked'));
  heartbeat = () => Promise.resolve();
  close = () => Promise.resolve();
}

const endings: AbortController[] = [];

/** Ends all that was followed. */
export function endFollowing(): void {
  for (const ending of endings.splice(0)) ending.abort();
}

/** A configuration that is followed, and what it follows. */
export function follow(change: Partial<FollowOptions> = {}) {
  const source = new FakeSource();
  const bus = new MemoryConfigBus();
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(line) });
  const keys = new WorkerKeys(master, { id: instanceId, keys: source.keys }, log);
  const followed = new FollowedConfiguration({
    source,
    bus,
    keys,
    epochs: new EpochGuard(epochKey),
    log,
    lookEveryMs: 3_600_000,
    openBody: () => ({ agents: [], rules: [] }),
    openRoute: () => ({ secret: '', hosts: [], paths: [], methods: [], inject: [] }),
    openIdentities: () => [],
    isBelieved: () => true,
    ...change,
  });
  const ending = new AbortController();
  endings.push(ending);
  return { source, bus, keys, lines, followed, ending, start: () => followed.start(ending.signal) };
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

export function newGate(): { readonly opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

export const agentOf = (followed: FollowedConfiguration) => followed.current?.snapshot.agents.get('1')?.name;
