import { Checkbox, TextInput, Textarea } from '@mantine/core';
import type { ReactNode } from 'react';
import type { FormFields } from '../../ui/use-fields.ts';
import type { RecipeFields } from './recipe.ts';

interface RecipeFormProps {
  readonly form: FormFields<RecipeFields>;
  /** Stands before the text. */
  readonly children?: ReactNode;
}

/** The fields of a rotation. */
export function RecipeForm({ form: { text, flag }, children }: RecipeFormProps) {
  return (
    <>
      <div className="columns inputs">
        <TextInput
          label="Schedule"
          description="Cron text of five fields, like 0 3 1 * *. Empty: only when asked"
          spellCheck={false}
          {...text('schedule')}
        />
        <TextInput label="Time zone" description="Of the schedule, like Europe/Berlin" required {...text('zone')} />
      </div>
      <Checkbox
        label="Enabled"
        description="Without it neither the schedule nor anybody runs it"
        {...flag('isEnabled')}
      />
      {children}
      <Textarea
        label="Recipe"
        description="YAML or JSON. It names secrets as onecli://environment/name, and {{new}}, {{old}}, {{newKeyId}}, {{oldKeyId}}, {{runId}}; never write a value here"
        classNames={{ input: 'mono' }}
        autosize
        minRows={10}
        maxRows={28}
        spellCheck={false}
        {...text('text')}
      />
      <TextInput
        label="Id of the current key"
        description="What the provider calls the key that is in use now, so that it can be ended. Empty: as it is known from the last run"
        spellCheck={false}
        {...text('currentKeyId')}
      />
    </>
  );
}
