import { Ctx, Mutation, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { RestorePayload, payloadOf } from '../api/write-payload.ts';
import type { BackupService } from './backup.service.ts';

@Resolver()
export class BackupResolver {
  readonly #backups: BackupService;

  constructor(backups: BackupService) {
    this.#backups = backups;
  }

  @Mutation(() => RestorePayload, {
    description: 'Lets workers take the configuration as it is, although a restore went back in time.',
  })
  confirmRestore(@Ctx() { principal }: GraphqlContext): Promise<RestorePayload> {
    return payloadOf(async () => ({ ...(await this.#backups.confirmRestore(principal)), change: 'UPDATED' as const }));
  }
}
