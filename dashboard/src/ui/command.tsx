import { Button } from '@mantine/core';
import { useRef, useState } from 'react';
import { copyText } from './copy-text.ts';

const saidForMs = 1_500;
const words = { ready: 'Copy', copied: 'Copied', failed: 'Press Ctrl C' } as const;

/** A command to copy, as it is to be typed. */
export function Command({ text, label }: { readonly text: string; readonly label: string }) {
  const shown = useRef<HTMLPreElement>(null);
  const [state, setState] = useState<keyof typeof words>('ready');
  const copy = async () => {
    setState((await copyText(text, shown.current)) ? 'copied' : 'failed');
    setTimeout(() => setState('ready'), saidForMs);
  };
  return (
    <div className="command">
      <pre aria-label={label} role="region" tabIndex={0} ref={shown}>
        {text}
      </pre>
      <Button className="copy" size="compact-xs" variant="default" onClick={() => void copy()}>
        <span role="status">{words[state]}</span>
      </Button>
    </div>
  );
}
