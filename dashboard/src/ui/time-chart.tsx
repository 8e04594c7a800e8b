import { useElementSize } from '@mantine/hooks';
import { type MouseEvent, useState } from 'react';
import { Link, useNavigate } from 'react-router';
import { columnsOf, linePath, niceTop, timeMarks } from './chart-geometry.ts';
import { DataTable } from './data-table.tsx';
import { TimeText } from './time-text.tsx';

/** A row of values over time. Bars stand on one another, in their order. */
export interface Series<Slot> {
  readonly name: string;
  readonly tone: 'calm' | 'deny' | 'warn' | 'strong';
  readonly kind: 'bar' | 'line';
  /** Null: there is none at that time. */
  readonly value: (slot: Slot) => number | null;
}

interface TimeChartProps<Slot extends { readonly at: string }> {
  readonly title: string;
  readonly slots: readonly Slot[];
  readonly series: readonly Series<Slot>[];
  readonly format: (value: number) => string;
  /** Where a step leads to. */
  readonly linkOf: (slot: Slot) => string;
}

/** In the size of the page's text, which grows with the screen: the room left of the columns, below and above them. */
const leftEms = 3.1;
const bottomEms = 1.2;
const topEms = 0.5;

/** Values over time, as a picture and, for who wants it, as a table. */
export function TimeChart<Slot extends { readonly at: string }>(props: TimeChartProps<Slot>) {
  const { title, slots, series, format, linkOf } = props;
  const { ref, width, height } = useElementSize();
  const left = leftEms * textSize();
  const navigate = useNavigate();
  const [at, setAt] = useState<number>();
  const pointed = at === undefined ? undefined : slots[at];
  const indexOf = (event: MouseEvent<SVGSVGElement>) => {
    const { left: edge } = event.currentTarget.getBoundingClientRect();
    const index = Math.floor(((event.clientX - edge - left) / (width - left)) * slots.length);
    return index >= 0 && index < slots.length ? index : undefined;
  };
  return (
    <section className="panel chart">
      <h2>{title}</h2>
      <p className="legend" aria-hidden="true">
        {series.map(({ name, tone, value }) => (
          <span key={name} className={`key ${tone}`}>
            {name}
            {pointed !== undefined && <b>{valueText(value(pointed), format)}</b>}
          </span>
        ))}
        {pointed !== undefined && <TimeText at={pointed.at} />}
      </p>
      <div ref={ref} className="picture">
        {width > 0 && (
          <svg
            width={width}
            height={height}
            aria-hidden="true"
            onMouseMove={(event) => setAt(indexOf(event))}
            onMouseLeave={() => setAt(undefined)}
            onClick={() => pointed !== undefined && void navigate(linkOf(pointed))}
          >
            <Picture {...props} width={width} height={height} at={at} />
          </svg>
        )}
      </div>
      <details>
        <summary>As a table</summary>
        <ChartTable {...props} />
      </details>
    </section>
  );
}

interface PictureProps<Slot extends { readonly at: string }> extends TimeChartProps<Slot> {
  readonly width: number;
  readonly height: number;
  readonly at: number | undefined;
}

/** The size of the page's text, in pixels. */
function textSize(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
}

function Picture<Slot extends { readonly at: string }>(props: PictureProps<Slot>) {
  const { slots, series, format, width, height, at } = props;
  const em = textSize();
  const left = leftEms * em;
  const area = { left, width: width - left, height: height - (bottomEms + topEms) * em, top: topEms * em };
  const bars = series.filter(({ kind }) => kind === 'bar');
  const lines = series.filter(({ kind }) => kind === 'line');
  const stacked = slots.map((slot) => bars.map(({ value }) => value(slot) ?? 0));
  const peaks = [
    ...stacked.map((parts) => parts.reduce((sum, part) => sum + part, 0)),
    ...lines.flatMap(({ value }) => slots.map((slot) => value(slot) ?? 0)),
  ];
  // Bars count something, and of those there are no halves.
  const top = niceTop(Math.max(0, ...peaks), lines.length === 0);
  const base = area.top + area.height;
  return (
    <>
      {[0, 0.5, 1].map((share) => (
        <g key={share}>
          <line className="grid" x1={left} x2={width} y1={base - share * area.height} y2={base - share * area.height} />
          <text x={left - 6} y={base - share * area.height + em / 4} textAnchor="end">
            {format(top * share)}
          </text>
        </g>
      ))}
      {timeMarks(
        slots.map((slot) => slot.at),
        area.width,
      ).map(({ index, text }) => (
        <text key={index} x={left + ((index + 0.5) / slots.length) * area.width} y={height - 3} textAnchor="middle">
          {text}
        </text>
      ))}
      {at !== undefined && (
        <rect
          className="pointed"
          x={left + (at / slots.length) * area.width}
          width={area.width / slots.length}
          y={area.top}
          height={area.height}
        />
      )}
      {columnsOf(stacked, top, area).map(({ series: index, ...box }) => (
        <rect key={`${index}/${box.x}`} className={`bar ${bars[index]?.tone ?? ''}`} {...box} />
      ))}
      {lines.map(({ name, tone, value }) => (
        <path key={name} className={`line ${tone}`} d={linePath(slots.map(value), top, area)} />
      ))}
    </>
  );
}

function ChartTable<Slot extends { readonly at: string }>({ slots, series, format, linkOf }: TimeChartProps<Slot>) {
  const busy = slots.filter((slot) => series.some(({ value }) => (value(slot) ?? 0) > 0));
  if (busy.length === 0) return <p className="nothing">Nothing in this time.</p>;
  return (
    <div className="table scrolled" tabIndex={0} role="region" aria-label="Values over time">
      <DataTable
        rows={busy.toReversed()}
        rowKey={({ at }) => at}
        columns={[
          {
            head: 'From',
            cell: (slot) => (
              <Link to={linkOf(slot)}>
                <TimeText at={slot.at} />
              </Link>
            ),
          },
          ...series.map(({ name, value }) => ({
            head: name,
            kind: 'number' as const,
            cell: (slot: Slot) => valueText(value(slot), format),
          })),
        ]}
      />
    </div>
  );
}

function valueText(value: number | null, format: (value: number) => string): string {
  return value === null ? '–' : format(value);
}
