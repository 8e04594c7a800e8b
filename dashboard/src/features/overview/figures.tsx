import { Link } from 'react-router';

export interface Figure {
  readonly name: string;
  readonly value: string;
  readonly note: string;
  /** What it counts. */
  readonly to: string;
  readonly tone?: 'deny' | 'warn' | undefined;
}

/** Numbers in a row; each leads to what it counts. */
export function Figures({ figures }: { readonly figures: readonly Figure[] }) {
  return (
    <ul className="figures">
      {figures.map(({ name, value, note, to, tone }) => (
        <li key={name}>
          <Link to={to} className="panel">
            <span className="name">{name}</span>
            <span className={tone === undefined ? 'value' : `value ${tone}`}>{value}</span>
            <span className="note-text">{note}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
