import { createHash } from 'node:crypto';

/** What stands before all names of an instance in Redis: several may share one. In braces, for one script's keys lie on one node of a cluster. */
export function redisPrefix(instanceId: string): string {
  return `{onecli-${createHash('sha256').update(`redis ${instanceId}`).digest('hex').slice(0, 16)}}`;
}
