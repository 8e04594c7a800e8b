import type { DataSource } from 'typeorm';

/** The revision of now, as a worker reports it that has applied everything. */
export async function newestRevision(database: DataSource): Promise<number> {
  const [row] = await database.query<{ revision: string }[]>('SELECT revision FROM config_state');
  return Number(row?.revision);
}

/**
 * From now on a worker that reported the newest revision has applied the next one as soon as that is committed, without another report;
 * not while the table of the workers is locked.
 */
export async function followAtOnce(database: DataSource): Promise<void> {
  await database.query(`CREATE FUNCTION follow_at_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      LOCK TABLE worker IN ROW EXCLUSIVE MODE NOWAIT;
      UPDATE worker SET applied_revision = NEW.revision WHERE applied_revision = OLD.revision;
      RETURN NEW;
    EXCEPTION WHEN lock_not_available THEN RETURN NEW; END $$`);
  await database.query(
    'CREATE TRIGGER follow_at_once AFTER UPDATE ON config_state FOR EACH ROW EXECUTE FUNCTION follow_at_once()',
  );
}
