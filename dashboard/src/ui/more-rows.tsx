import { Button } from '@mantine/core';
import { useIntersection } from '@mantine/hooks';
import { useEffect, useRef, useState } from 'react';

interface MoreRowsProps {
  readonly label: string;
  readonly read: () => Promise<void>;
  /** How many there are: where one reading gave none, the next waits until it is asked for. */
  readonly count: number;
}

/** Reads on when the end of a list comes into view, and when it is asked to. */
export function MoreRows({ label, read, count }: MoreRowsProps) {
  const [isBusy, setBusy] = useState(false);
  const readAt = useRef<number>(undefined);
  const { ref, entry } = useIntersection({ rootMargin: '600px' });
  const readOn = () => {
    readAt.current = count;
    setBusy(true);
    void read().finally(() => setBusy(false));
  };
  const isNear = entry?.isIntersecting === true && window.scrollY > 0;
  useEffect(() => {
    if (isNear && !isBusy && readAt.current !== count) readOn();
    // `read` is another function each time: what counts is that the end is near, and nothing is being read.
  }, [isNear, isBusy, count]);
  return (
    <div ref={ref} className="more">
      <Button variant="default" size="xs" loading={isBusy} onClick={readOn}>
        {label}
      </Button>
    </div>
  );
}
