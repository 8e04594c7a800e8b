import { AddressGuard } from '@onecli/shared/netguard/address-guard';
import { CheckedResolver } from '@onecli/shared/netguard/checked-resolver';
import { parseConnectTo } from '@onecli/shared/netguard/connect-to';
import { createUpstreamContext } from '@onecli/shared/netguard/upstream-context';
import { secretVersionContext } from '@onecli/shared/seal-contexts';
import { open } from '@onecli/shared/vault/seal';
import { openServices, owner } from '../../database/testing/open-services.ts';
import { SecretVault } from '../../secrets/secret-vault.ts';
import { GuardedCaller } from '../call-provider.ts';
import { RotationEngine } from '../rotation-engine.ts';
import { RotationService } from '../rotation.service.ts';
import { providerHost, startProvider } from './provider.ts';

export const adminKey = 'admin-canary-77c1';
export const firstKey = 'sk-first-canary-09';
const binding = { hosts: [providerHost], surfaces: ['header', 'json'] };

/** The services on a database, a provider of keys, and engines that are brought on by hand. */
export async function openRotationWorld(connectionString: string) {
  const services = await openServices(connectionString);
  const provider = await startProvider(adminKey);
  const { dataSource: database, change, keys } = services;
  const rotations = new RotationService({ database, change, keys, vault: new SecretVault(keys) });
  await services.secrets.create(owner, { name: 'prod/admin', value: adminKey, binding });
  const connectTo = parseConnectTo(`${providerHost}:443=127.0.0.1:${provider.port}`);
  if (connectTo.kind !== 'connect-to') throw new Error('no connect-to');
  const guard = new AddressGuard({ allowRanges: ['127.0.0.1/32'], ownListeners: [] });
  const resolver = new CheckedResolver({ guard, connectTo: connectTo.connectTo });
  const secureContext = createUpstreamContext(provider.rootsPem);
  const run = async (name: string) => (await rotations.runs(owner, name))[0];

  /** An engine of its own, as another control plane would have: nothing of the one before is left in it. */
  const newEngine = (): RotationEngine =>
    new RotationEngine({
      database,
      change,
      keys,
      vault: new SecretVault(keys),
      caller: new GuardedCaller({ resolver, secureContext, timeoutMs: 5_000 }),
    });

  return {
    services,
    provider,
    rotations,
    run,
    newEngine,
    /** A secret that is at the provider already. */
    makeSecret: async (name: string): Promise<void> => {
      provider.override = undefined;
      provider.seen.length = 0;
      provider.keys.clear();
      provider.keys.set('key-0', firstKey);
      await services.secrets.create(owner, { name, value: firstKey, binding });
    },
    /** Brings the newest run on, whenever the next step is due, until it stands at a step or has ended. */
    until: async (name: string, step: string, engine = newEngine()) => {
      for (let turn = 0; turn < 60; turn++) {
        const now = await run(name);
        if (now === undefined || now.finishedAt !== null || now.step === step) return now;
        await engine.advance(now.id, new AbortController().signal);
      }
      throw new Error(`it did not come to ${step}: ${JSON.stringify(await run(name))}`);
    },
    /** A step in whose call the control plane ends. */
    cutCall: async (name: string): Promise<void> => {
      const ends = new AbortController();
      provider.override = () => ends.abort();
      await newEngine().advance((await run(name))?.id ?? '', ends.signal);
      provider.override = undefined;
    },
    /** The findings of the secret's events, the oldest first. */
    findings: async (name: string): Promise<string[]> => {
      const rows = await database.query<{ finding: string }[]>(
        `SELECT detail->>'finding' AS finding FROM admin_event
         WHERE object_name = $1 AND detail->>'finding' IS NOT NULL ORDER BY at, id`,
        [name],
      );
      return rows.map(({ finding }) => finding);
    },
    /** What workers use: the current value, and all that may be pinned. */
    atWorkers: async (name: string) => {
      const { secrets } = await services.source.changesSince(undefined);
      const secret = secrets.find((record) => record.name === name);
      if (secret === undefined) throw new Error('not there');
      const values = [...secret.versions.values()].map(({ version, sealed }): [number, string] => [
        version,
        open(keys.keyring, secretVersionContext(secret.id, version, secret.binding), sealed).toString(),
      ]);
      return { current: new Map(values).get(secret.currentVersion), versions: values.map(([version]) => version) };
    },
    close: async (): Promise<void> => {
      provider.close();
      await services.close();
    },
  };
}
