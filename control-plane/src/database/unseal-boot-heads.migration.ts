import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

/**
 * A control plane of a release that does not know the MAC of `audit_boot` writes how far a run is and leaves the MAC as it was. A wrong MAC
 * is somebody's work; so it goes with what it was made of, and the row is held against the entries of its run. Who alters a row
 * gains nothing by it: he could take the MAC away himself.
 */
export class UnsealBootHeads extends ForwardMigration {
  readonly name = 'UnsealBootHeads1790004320002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE FUNCTION unseal_boot_head() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         new.seal := NULL;
         RETURN new;
       END $$`,
    );
    await runner.query(
      `CREATE TRIGGER boot_head_unsealed BEFORE UPDATE ON audit_boot FOR EACH ROW
       WHEN ((old.through, old.mac, old.ended_at) IS DISTINCT FROM (new.through, new.mac, new.ended_at)
         AND old.seal IS NOT DISTINCT FROM new.seal)
       EXECUTE FUNCTION unseal_boot_head()`,
    );
  }
}
