import { useEffect, useState } from 'react';

/** The time of now in whole steps, in milliseconds: it goes on while the page is looked at. */
export function useNow(stepMs: number): number {
  const now = () => Math.floor(Date.now() / stepMs) * stepMs;
  const [nowMs, setNow] = useState(now);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) setNow(now());
    }, stepMs);
    return () => clearInterval(timer);
    // `now` is of the step alone.
  }, [stepMs]);
  // Another step: the time of before may lie far back.
  return Math.max(nowMs, now() - stepMs);
}
