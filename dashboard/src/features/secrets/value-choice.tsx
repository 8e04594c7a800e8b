import { NativeSelect, NumberInput, SegmentedControl, TextInput } from '@mantine/core';
import type { Alphabet } from '../../gql/graphql.ts';
import { SecretValueInput } from '../../ui/secret-value-input.tsx';
import type { ValueFields } from './secret-fields.ts';

const alphabets: readonly { readonly value: Alphabet; readonly label: string }[] = [
  { value: 'ALPHANUMERIC', label: 'Letters and digits' },
  { value: 'HEX', label: 'Hexadecimal' },
  { value: 'BASE32', label: 'Base32' },
  { value: 'BASE64URL', label: 'Base64url' },
  { value: 'DIGITS', label: 'Digits' },
  { value: 'SYMBOLS', label: 'Letters, digits and symbols' },
];

interface ValueChoiceProps {
  readonly fields: ValueFields;
  readonly change: (part: Partial<ValueFields>) => void;
}

/** A value that is typed, or one that the gateway makes and shows to nobody. */
export function ValueChoice({ fields, change }: ValueChoiceProps) {
  return (
    <>
      <SegmentedControl
        aria-label="Where it comes from"
        size="xs"
        value={fields.isRandom ? 'random' : 'typed'}
        // What was typed does not stay where it is not seen.
        onChange={(choice) => change({ isRandom: choice === 'random', value: '' })}
        data={[
          { value: 'typed', label: 'I have it' },
          { value: 'random', label: 'Make a random one' },
        ]}
      />
      {fields.isRandom ? (
        <Recipe fields={fields} change={change} />
      ) : (
        <SecretValueInput value={fields.value} change={(value) => change({ value })} />
      )}
    </>
  );
}

function Recipe({ fields, change }: ValueChoiceProps) {
  return (
    <div className="columns inputs">
      <NumberInput
        label="Length"
        description="Without the beginning"
        min={1}
        max={4096}
        allowDecimal={false}
        required
        value={fields.length}
        onChange={(length) => change({ length: String(length) })}
      />
      <NativeSelect
        label="Of"
        description="Nobody is shown it"
        data={[...alphabets]}
        value={fields.alphabet}
        onChange={(event) => change({ alphabet: event.currentTarget.value as Alphabet })}
      />
      <TextInput
        label="It begins with"
        description="Like sk-, or nothing"
        spellCheck={false}
        value={fields.prefix}
        onChange={(event) => change({ prefix: event.currentTarget.value })}
      />
    </div>
  );
}
