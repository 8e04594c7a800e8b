const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });

/** A moment by the clock of whoever reads it, the day where it is not today; the whole of it, with its zone, on hovering. */
export function TimeText({ at }: { readonly at: string }) {
  const moment = new Date(at);
  const isToday = moment.toDateString() === new Date().toDateString();
  return (
    <time dateTime={at} title={full.format(moment)} className="time">
      {isToday ? clock.format(moment) : `${day.format(moment)} ${clock.format(moment)}`}
    </time>
  );
}
