/**
 * Whoever started the cluster with a channel to it (Node's IPC) may stop and start single processes: the chaos suite does. When they are
 * gone, killed perhaps, the cluster stops too.
 */
import { z } from 'zod';
import type { Cluster } from './cluster.ts';

const request = z.object({
  id: z.number(),
  command: z.enum(['list', 'stop', 'start']),
  /** Of the process, for `stop` and `start`. */
  name: z.string().optional(),
});

type Channel = Pick<NodeJS.Process, 'on' | 'send' | 'connected'>;

/** Answers each request with `{ id, processes }`, when it is done, or `{ id, error }`. */
export function serveControl(cluster: Cluster, channel: Channel): void {
  if (channel.send === undefined) return;
  channel.on('disconnect', () => void cluster.stop());
  if (!channel.connected) void cluster.stop();
  channel.on('message', (message: unknown) => {
    const parsed = request.safeParse(message);
    if (!parsed.success) return;
    const { id, command, name = '' } = parsed.data;
    const doing = command === 'list' ? Promise.resolve() : cluster[command === 'stop' ? 'stopOne' : 'startOne'](name);
    doing.then(
      () => channel.send?.({ id, processes: cluster.processes }),
      (error: unknown) => channel.send?.({ id, error: String(error) }),
    );
  });
}
