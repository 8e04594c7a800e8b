/** Where things stand in a chart: numbers in, numbers out. */

export interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A round number that is not below the highest value; of nothing the least. Of things that are counted, its half is a whole number too. */
export function niceTop(highest: number, isCounted: boolean): number {
  if (isCounted && highest <= 2) return 2;
  if (highest <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(highest));
  const steps = isCounted && power === 1 ? [2, 4, 6, 8, 10] : [1, 2, 4, 6, 8, 10];
  return (steps.find((times) => times * power >= highest) ?? 10) * power;
}

interface Box {
  /** Which of the parts that stand on one another. */
  readonly series: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The boxes of columns; each has its parts from below. What is there at all is seen: at least a pixel. */
export function columnsOf(columns: readonly (readonly number[])[], top: number, area: Area): Box[] {
  const slot = area.width / Math.max(columns.length, 1);
  const gap = slot > 4 ? 1 : 0;
  return columns.flatMap((parts, index) => {
    let y = area.top + area.height;
    return parts.flatMap((part, series) => {
      if (part <= 0) return [];
      const height = Math.max((part / top) * area.height, 1);
      y -= height;
      return { series, x: area.left + index * slot + gap / 2, y, width: Math.max(slot - gap, 1), height };
    });
  });
}

/** The path of a line. Where there is no value it is broken; a value alone is a short dash. */
export function linePath(values: readonly (number | null)[], top: number, area: Area): string {
  const slot = area.width / Math.max(values.length, 1);
  let isDown = false;
  return values
    .flatMap((value, index) => {
      if (value === null) {
        isDown = false;
        return [];
      }
      const x = area.left + (index + 0.5) * slot;
      const y = area.top + area.height - Math.min(value / top, 1) * area.height;
      const isAlone = !isDown && (values[index + 1] ?? null) === null;
      const step = `${isDown ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`;
      isDown = true;
      return isAlone ? `M${(x - slot / 2).toFixed(1)} ${y.toFixed(1)}h${slot.toFixed(1)}` : step;
    })
    .join('');
}

const roomForMark = 90;
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });

/** What stands below a chart: as many times as there is room for. */
export function timeMarks(
  times: readonly string[],
  width: number,
): { readonly index: number; readonly text: string }[] {
  const [first, last] = [times[0], times.at(-1)].map((time) => (time === undefined ? 0 : Date.parse(time)));
  const format = (last ?? 0) - (first ?? 0) > 2 * 86_400_000 ? day : clock;
  const count = Math.max(1, Math.min(6, Math.floor(width / roomForMark)));
  return Array.from({ length: count }, (_, mark) => Math.floor(((mark + 0.5) / count) * times.length)).flatMap(
    (index) => {
      const time = times[index];
      return time === undefined ? [] : { index, text: format.format(new Date(time)) };
    },
  );
}
