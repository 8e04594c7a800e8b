/**
 * A large download and a large upload: `node --conditions=source --import tsx test/hostile/measure-transfers.ts [megabytes]`.
 * Prints the worker's resident memory over the time of each.
 */
import { startWorld } from '../support/world.ts';
import { download, type Transfer, upload } from './transfer.ts';

const bytes = Number(process.argv[2] ?? 1024) * 1024 * 1024;
const warmUpBytes = 64 * 1024 * 1024;
const megabytes = (of: number): string => (of / 1024 / 1024).toFixed(0);

function report(name: string, size: number, { seconds, beforeBytes, curveBytes }: Transfer): void {
  const shown = curveBytes.filter((_, index) => index % Math.ceil(curveBytes.length / 20) === 0).map(megabytes);
  process.stdout.write(
    `${name} of ${megabytes(size)} MB in ${seconds.toFixed(1)} s: ${megabytes(beforeBytes)} MB before, ` +
      `${megabytes(Math.max(...curveBytes))} MB at most: ${shown.join(' ')}\n`,
  );
}

const world = await startWorld();
try {
  const [worker = 0] = world.onecli.pidsOf('worker');
  report('warm-up', warmUpBytes, await download(world, worker, warmUpBytes));
  report('download', bytes, await download(world, worker, bytes));
  report('upload', bytes, await upload(world, worker, bytes));
} finally {
  await world.stop();
}
