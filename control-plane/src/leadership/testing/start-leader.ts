import { type LeaderJob, LeaderJobs } from '../leader-jobs.ts';
import { Leadership } from '../leadership.ts';

const nothing = (): void => undefined;

/** Does jobs as a control plane of this database would, while it leads. */
export function startLeader(
  connectionString: string,
  jobs: readonly LeaderJob[],
  led: (isLeading: boolean) => void = nothing,
): LeaderJobs {
  const leadership = new Leadership(connectionString);
  const leader = new LeaderJobs({ leadership, jobs, log: { info: nothing, error: nothing }, led, looked: nothing });
  leader.start();
  return leader;
}
