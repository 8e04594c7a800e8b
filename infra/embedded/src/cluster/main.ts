/** `npm run cluster`. Exit codes: 0 stopped, 1 a fault, 2 configuration, 4 port or folder taken. */
import { runUntilStopped } from '../run-until-stopped.ts';
import { installedPrograms } from '../supervise.ts';
import { Cluster } from './cluster.ts';
import { readClusterConfig } from './config.ts';
import { serveControl } from './control-channel.ts';

async function start(...parameters: Parameters<typeof Cluster.start>): Promise<Cluster> {
  const cluster = await Cluster.start(...parameters);
  serveControl(cluster, process);
  return cluster;
}

process.exit(await runUntilStopped(readClusterConfig(), (config, print) => start(config, installedPrograms(), print)));
