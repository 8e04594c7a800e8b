import { setTimeout as pause } from 'node:timers/promises';
import { createPostgresBackend } from 'bullmq';

const askAgainMs = 250;

/**
 * BullMQ's PostgreSQL backend, made to outlive its server:
 *
 * - A connection that breaks while it is checked out of the pool emits an `error` that nobody listens to, which would end
 *   the process. What was asked on it fails by itself, and the pool replaces it.
 * - BullMQ's worker asks for work again at once when its server is gone, unless the error is ECONNREFUSED; that of a
 *   missing unix socket is not. Here a failed question takes a moment.
 */
export const createQueueBackend: typeof createPostgresBackend = (name, options, roles) => {
  const backend = createPostgresBackend(name, options, roles);
  backend.connection.pool.on('connect', (client) => client.on('error', () => undefined));
  const moveToActive = backend.moveToActive.bind(backend);
  backend.moveToActive = async (...question) => {
    try {
      return await moveToActive(...question);
    } catch (error) {
      await pause(askAgainMs);
      throw error;
    }
  };
  return backend;
};
