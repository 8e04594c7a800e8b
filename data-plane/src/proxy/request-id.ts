import { randomBytes } from 'node:crypto';

const boot = randomBytes(6).toString('hex');
let sequence = 0;

/** An id that no other request of any worker has: random per process, counted within it. It says nothing else. */
export function nextRequestId(): string {
  return `${boot}-${(sequence++).toString(36)}`;
}
