import { useEffect, useRef } from 'react';
import type { Events } from './use-events.ts';

const readingFromPx = 240;

/** Holds new events back while somebody reads further down, so that nothing moves below his eyes; at the top it goes on. */
export function usePauseWhileReading({ isPaused, pause, goOn }: Events): void {
  const isOurs = useRef(false);
  useEffect(() => {
    const look = () => {
      const isReading = window.scrollY > readingFromPx;
      if (isReading && !isPaused) {
        isOurs.current = true;
        pause();
      } else if (window.scrollY === 0 && isPaused && isOurs.current) {
        isOurs.current = false;
        goOn();
      }
    };
    window.addEventListener('scroll', look, { passive: true });
    return () => window.removeEventListener('scroll', look);
  });
}
