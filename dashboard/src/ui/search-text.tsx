import { TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useEffect, useState } from 'react';

interface SearchTextProps {
  readonly label: string;
  readonly value: string;
  readonly change: (value: string) => void;
}

/** A text to search by. It is asked for when the typing rests. */
export function SearchText({ label, value, change }: SearchTextProps) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const changeSoon = useDebouncedCallback((next: string) => change(next.trim()), 300);
  return (
    <TextInput
      type="search"
      size="xs"
      aria-label={label}
      placeholder={label}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        changeSoon(event.currentTarget.value);
      }}
    />
  );
}
