/**
 * All that a worker's database role may do: read these columns and call these functions. Whatever is not named here, in this
 * release or a later one, it may not: a test compares the list with every table, column, sequence and function that there is.
 */
export const workerReads: Readonly<Record<string, readonly string[]>> = {
  instance: ['id', 'key_check'],
  instance_key: ['purpose', 'wrapped_key'],
  key_term: ['term', 'wrapped_key', 'activated_at', 'retired_at'],
  config_state: ['revision', 'key_generation', 'epoch', 'epoch_mac', 'restored_at'],
  config_change: ['revision', 'kind', 'object_id'],
  secret: [
    'id',
    'name',
    'alias',
    'previous_alias',
    'previous_alias_until',
    'expires_at',
    'lease_seconds',
    'binding',
    'is_disabled',
    'current_version',
  ],
  secret_version: ['secret_id', 'version', 'sealed', 'is_pending'],
  agent: ['id', 'name', 'labels', 'is_disabled', 'sealed_identities', 'mac'],
  agent_token: ['agent_id', 'hash', 'expires_at'],
  policy: ['id', 'name', 'version', 'sealed_body'],
  route: ['id', 'name', 'version', 'sealed_body'],
  certificate_authority: ['id', 'certificate_pem', 'sealed_key', 'is_active', 'created_at'],
  audit_boot: ['worker', 'boot', 'through', 'ended_at'],
  client_authority: ['id', 'certificate_pem', 'sealed_key', 'is_active', 'created_at'],
};

/** How it reports. */
export const workerFunctions: readonly string[] = ['worker_heartbeat(jsonb)'];
