const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const year = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: 'numeric' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });

/** A moment by the clock of whoever reads it, the day where it is not today, the year where it is not this one; the whole of it, with its zone, on hovering. */
export function TimeText({ at }: { readonly at: string }) {
  const moment = new Date(at);
  return (
    <time dateTime={at} title={fullTime(moment)} className="time">
      {shortText(moment, new Date())}
    </time>
  );
}

/** A moment with its day and zone. */
export function fullTime(moment: Date): string {
  return full.format(moment);
}

function shortText(moment: Date, now: Date): string {
  if (moment.toDateString() === now.toDateString()) return clock.format(moment);
  const date = moment.getFullYear() === now.getFullYear() ? day : year;
  return `${date.format(moment)} ${clock.format(moment)}`;
}
