import { useState } from 'react';
import { problemText } from './problem.tsx';

/** Something that takes a while and may fail: whether it is under way, and what was wrong. */
export interface Task {
  readonly isBusy: boolean;
  readonly problem: string | undefined;
  /** Does it. `work` gives what is wrong, or undefined. */
  readonly run: (work: () => Promise<string | undefined>) => void;
}

export function useTask(): Task {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const perform = async (work: () => Promise<string | undefined>) => {
    setBusy(true);
    setProblem(undefined);
    try {
      setProblem(await work());
    } catch (error) {
      setProblem(problemText(error));
    }
    setBusy(false);
  };
  return { isBusy, problem, run: (work) => void perform(work) };
}
