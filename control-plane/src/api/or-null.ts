import { Fault } from '@onecli/shared/fault';

/** What `read` gives, or null when there is nothing of that name. */
export async function orNull<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Fault && error.code === 'NOT_FOUND') return null;
    throw error;
  }
}
