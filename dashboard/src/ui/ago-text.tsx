import { useClock } from './clock.ts';
import { agoOf } from './ago.ts';
import { fullTime } from './time-text.tsx';

/** How long ago a moment was, or how far it is; the whole of it, with its zone, on hovering. */
export function AgoText({ at }: { readonly at: string }) {
  const now = useClock();
  return (
    <time dateTime={at} title={fullTime(new Date(at))} className="time">
      {agoOf(Date.parse(at) - now)}
    </time>
  );
}
