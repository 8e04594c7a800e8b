import { useQuery } from '@apollo/client/react';
import { Modal } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { type KeyboardEvent, useState } from 'react';
import { useNavigate } from 'react-router';
import { useMay } from '../../api/use-may.ts';
import type { ScreenLink } from '../../app/feature.ts';
import { FindNamesDocument } from '../../gql/graphql.ts';
import { type PaletteEntry, knownEntries, namedEntries } from './entries.ts';
import './palette.css';

interface PaletteProps {
  readonly isOpen: boolean;
  readonly close: () => void;
  readonly links: readonly ScreenLink[];
}

/** Goes to a screen, an agent, a secret or a policy by its name, and begins what can be begun. */
export function Palette({ isOpen, close, links }: PaletteProps) {
  return (
    <Modal
      opened={isOpen}
      onClose={close}
      withCloseButton={false}
      padding={0}
      centered={false}
      yOffset="12vh"
      size="lg"
      attributes={{ content: { 'aria-label': 'Go to' } }}
      transitionProps={{ duration: 0 }}
    >
      <Search close={close} links={links} />
    </Modal>
  );
}

function Search({ close, links }: Omit<PaletteProps, 'isOpen'>) {
  const navigate = useNavigate();
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const entries = useEntries(text.trim(), links);
  const chosen = Math.min(at, entries.length - 1);
  const go = (entry: PaletteEntry | undefined) => {
    if (entry === undefined) return;
    close();
    void navigate(entry.to);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === 'Enter') go(entries[chosen]);
    else if (step !== undefined) setAt((chosen + step + entries.length) % Math.max(entries.length, 1));
    else return;
    event.preventDefault();
  };
  return (
    <div className="palette">
      <input
        data-autofocus
        role="combobox"
        aria-label="Go to"
        aria-expanded="true"
        aria-controls="palette-entries"
        aria-activedescendant={chosen >= 0 ? `palette-${chosen}` : undefined}
        placeholder="Screen, agent, secret, policy…"
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div id="palette-entries" role="listbox" aria-label="Places" tabIndex={-1}>
        {entries.map((entry, index) => (
          <Option
            key={entry.to}
            entry={entry}
            index={index}
            isChosen={index === chosen}
            choose={() => setAt(index)}
            go={() => go(entry)}
          />
        ))}
      </div>
      {entries.length === 0 && <p className="nothing">Nothing begins with that.</p>}
    </div>
  );
}

interface OptionProps {
  readonly entry: PaletteEntry;
  readonly index: number;
  readonly isChosen: boolean;
  readonly choose: () => void;
  readonly go: () => void;
}

function Option({ entry, index, isChosen, choose, go }: OptionProps) {
  return (
    <div
      id={`palette-${index}`}
      role="option"
      aria-selected={isChosen}
      ref={(element) => {
        if (isChosen) element?.scrollIntoView({ block: 'nearest' });
      }}
      onMouseMove={choose}
      onClick={go}
    >
      {entry.label} <span className="dim">{entry.hint}</span>
    </div>
  );
}

const restMs = 120;

function useEntries(text: string, links: readonly ScreenLink[]): PaletteEntry[] {
  const may = useMay();
  const [prefix] = useDebouncedValue(text, restMs);
  const { data } = useQuery(FindNamesDocument, {
    variables: {
      prefix,
      agents: may('agent:read'),
      secrets: may('secret:read'),
      policies: may('policy:read'),
    },
    skip: prefix === '',
    fetchPolicy: 'no-cache',
  });
  return [
    ...knownEntries(text, links, may),
    ...(prefix !== '' && data !== undefined ? namedEntries(data as Parameters<typeof namedEntries>[0]) : []),
  ];
}
