import { auditQueueContract } from '../../ports/audit-queue.contract.ts';
import { configBusContract } from '../../ports/config-bus.contract.ts';
import { MemoryAuditQueue } from './audit-queue.ts';
import { MemoryConfigBus } from './config-bus.ts';

auditQueueContract('MemoryAuditQueue', async () => {
  const queue = new MemoryAuditQueue();
  return { queue, consumer: queue };
});

configBusContract('MemoryConfigBus', async () => {
  const hub = MemoryConfigBus.hub();
  return { connect: () => new MemoryConfigBus(hub) };
});
