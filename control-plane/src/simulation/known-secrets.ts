import { splitAlias } from '@onecli/shared/domain/placeholder';
import type { KnownSecrets } from '@onecli/shared/domain/grant-placeholders';
import type { SealedVersion, SecretRecord } from '@onecli/shared/domain/snapshot';
import { type EntityManager, In } from 'typeorm';
import { SecretEntity, type SecretRow, SecretVersionEntity } from '../secrets/secret.entity.ts';

/** Nothing is opened here: a version is known by its number. */
const nothingSealed = Buffer.alloc(0);

/** The secrets of some names, as those who grant placeholders ask for them; all others are not there. */
export async function knownSecrets(manager: EntityManager, names: ReadonlySet<string>): Promise<KnownSecrets> {
  const rows = names.size === 0 ? [] : await manager.findBy(SecretEntity, { name: In([...names]) });
  const versions =
    rows.length === 0
      ? []
      : await manager.find(SecretVersionEntity, {
          select: { secretId: true, version: true },
          where: { secretId: In(rows.map(({ id }) => id)) },
        });
  const records = new Map<string, SecretRecord>();
  const aliases = new Map<string, { secret: SecretRecord; prefix: string }>();
  for (const row of rows) {
    const record = recordOf(
      row,
      versions.filter(({ secretId }) => secretId === row.id).map(({ version }) => version),
    );
    records.set(row.name, record);
    if (row.alias === null) continue;
    const { prefix, id } = splitAlias(row.alias);
    aliases.set(id, { secret: record, prefix });
  }
  return { secret: (name) => records.get(name), alias: (id) => aliases.get(id) };
}

function recordOf(
  { id, name, binding, isDisabled, currentVersion, alias }: SecretRow,
  numbers: readonly number[],
): SecretRecord {
  const versions = new Map(
    numbers.map((version): [number, SealedVersion] => [version, { id, version, sealed: nothingSealed }]),
  );
  return { id, name, alias: alias ?? undefined, binding, isDisabled, currentVersion, versions };
}
