import { AddressGuard } from '@onecli/shared/netguard/address-guard';
import { CheckedResolver } from '@onecli/shared/netguard/checked-resolver';
import { createUpstreamContext } from '@onecli/shared/netguard/upstream-context';
import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import type { Config } from '../config.ts';
import type { ChangeConfig } from '../configuration/change-config.ts';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { SecretVault } from '../secrets/secret-vault.ts';
import { GuardedCaller } from './call-provider.ts';
import { RotationEngine } from './rotation-engine.ts';
import { RotationScheduler } from './rotation-scheduler.ts';
import { RotationService } from './rotation.service.ts';

export interface Rotation {
  readonly service: RotationService;
  readonly scheduler: RotationScheduler;
}

interface Surroundings {
  readonly config: Config;
  readonly database: DataSource;
  readonly keys: InstanceKeys;
  readonly change: ChangeConfig;
  readonly log: Logger;
}

/** Wires what rotates secrets. What it calls is guarded as what agents call. */
export function buildRotation({ config, database, keys, change, log }: Surroundings): Rotation {
  const { allowRanges, connectTo, rootsPem } = config.outgoing;
  const address = config.bind === 'localhost' ? '127.0.0.1' : config.bind;
  const guard = new AddressGuard({ allowRanges, ownListeners: [{ address, port: config.apiPort }] });
  const resolver = new CheckedResolver({ guard, ...(connectTo && { connectTo }) });
  const caller = new GuardedCaller({ resolver, secureContext: createUpstreamContext(rootsPem) });
  const vault = new SecretVault(keys);
  const engine = new RotationEngine({ database, change, keys, vault, caller });
  return {
    service: new RotationService({ database, change, keys, vault }),
    scheduler: new RotationScheduler({ database, change, engine, log }),
  };
}
