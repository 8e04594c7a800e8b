import { VaultFault } from './vault-fault.ts';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The 16 bytes of an instance id (RFC 9562 text form, either case).
 * @throws VaultFault BAD_INSTANCE_ID
 */
export function instanceIdBytes(instanceId: string): Buffer {
  if (!UUID.test(instanceId)) throw new VaultFault('BAD_INSTANCE_ID', 'The instance id must be a UUID');
  return Buffer.from(instanceId.replaceAll('-', ''), 'hex');
}
