import { PasswordInput } from '@mantine/core';

interface SecretValueInputProps {
  readonly value: string;
  readonly change: (value: string) => void;
  readonly label?: string;
}

/** Takes a secret's value: never filled in by the page or the browser, and warned of what a copy may have brought along. */
export function SecretValueInput({ value, change, label = 'Value' }: SecretValueInputProps) {
  const isStray = value !== value.trim();
  return (
    <>
      <PasswordInput
        label={label}
        description="It goes in and never comes out: nobody is shown it again."
        required
        // A browser takes "off" for nothing here, and may fill in the password of whoever is signed in.
        autoComplete="new-password"
        data-1p-ignore
        data-lpignore="true"
        spellCheck={false}
        value={value}
        onChange={(event) => change(event.currentTarget.value)}
        visibilityToggleButtonProps={{ 'aria-label': 'Show what is typed' }}
      />
      {isStray && (
        <p className="note warn" role="status">
          There is white space at its beginning or end. It is kept as it is.{' '}
          <button type="button" className="link" onClick={() => change(value.trim())}>
            Take it away
          </button>
        </p>
      )}
    </>
  );
}
