import { Button, CopyButton } from '@mantine/core';

/** A command to copy, as it is to be typed. */
export function Command({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <div className="command">
      <pre aria-label={label} role="region" tabIndex={0}>
        {text}
      </pre>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Button className="copy" size="compact-xs" variant="default" onClick={copy}>
            {copied ? 'Copied' : 'Copy'}
          </Button>
        )}
      </CopyButton>
    </div>
  );
}
