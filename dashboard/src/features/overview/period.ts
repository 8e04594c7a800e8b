import { useSearchParams } from 'react-router';
import { useNow } from '../../ui/use-now.ts';

const minute = 60_000;

/** How far back one looks, and how often it is looked again. */
const periods = {
  '1h': { label: '1 h', name: 'the last hour', ms: 60 * minute, stepMs: 10_000 },
  '24h': { label: '24 h', name: 'the last 24 hours', ms: 24 * 60 * minute, stepMs: 15_000 },
  '7d': { label: '7 d', name: 'the last 7 days', ms: 7 * 24 * 60 * minute, stepMs: minute },
  '30d': { label: '30 d', name: 'the last 30 days', ms: 30 * 24 * 60 * minute, stepMs: 5 * minute },
} as const;

type PeriodKey = keyof typeof periods;

export const periodChoices = Object.entries(periods).map(([value, { label }]) => ({ value, label }));

/** A time up to now, as the address says it (`?over=7d`). */
export interface Period {
  readonly key: PeriodKey;
  readonly name: string;
  readonly since: string;
  readonly choose: (key: string) => void;
}

export function usePeriod(): Period {
  const [parameters, setParameters] = useSearchParams();
  const asked = parameters.get('over') ?? '';
  const key: PeriodKey = asked in periods ? (asked as PeriodKey) : '24h';
  const { name, ms, stepMs } = periods[key];
  const nowMs = useNow(stepMs);
  return {
    key,
    name,
    since: new Date(nowMs - ms).toISOString(),
    choose: (chosen) => setParameters(chosen === '24h' ? {} : { over: chosen }, { replace: true }),
  };
}
