import { type ChangeEvent, useState } from 'react';

type TextKey<Fields> = { [Key in keyof Fields]: Fields[Key] extends string ? Key : never }[keyof Fields];
type FlagKey<Fields> = { [Key in keyof Fields]: Fields[Key] extends boolean ? Key : never }[keyof Fields];
type InputChange = ChangeEvent<HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement>;

/** What stands in the fields of a form. */
export interface FormFields<Fields> {
  readonly fields: Fields;
  readonly set: (change: Partial<Fields>) => void;
  /** Properties of an input for a text. */
  readonly text: (key: TextKey<Fields>) => { readonly value: string; readonly onChange: (event: InputChange) => void };
  /** Properties of a checkbox. */
  readonly flag: (key: FlagKey<Fields>) => {
    readonly checked: boolean;
    readonly onChange: (event: ChangeEvent<HTMLInputElement>) => void;
  };
}

export function useFields<Fields extends object>(initial: Fields): FormFields<Fields> {
  const [fields, setFields] = useState(initial);
  const set = (change: Partial<Fields>) => setFields((before) => ({ ...before, ...change }));
  const setOne = (key: keyof Fields, value: unknown) => set({ [key]: value } as unknown as Partial<Fields>);
  return {
    fields,
    set,
    text: (key) => ({
      value: fields[key] as string,
      onChange: (event) => setOne(key, event.currentTarget.value),
    }),
    flag: (key) => ({
      checked: fields[key] as boolean,
      onChange: (event) => setOne(key, event.currentTarget.checked),
    }),
  };
}
