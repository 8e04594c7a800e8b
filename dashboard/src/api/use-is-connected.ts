import { useSyncExternalStore } from 'react';
import { connection } from '../app/follow-link.ts';

/** Whether what follows something by a subscription gets what is new. */
export function useIsConnected(): boolean {
  return useSyncExternalStore(connection.subscribe, () => connection.isOpen);
}
