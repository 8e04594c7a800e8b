import { Checkbox, NativeSelect, TextInput, Textarea } from '@mantine/core';
import { useRefusal } from '../../api/use-may.ts';
import { useWrite } from '../../api/use-write.ts';
import { type RotationRowFragment, SetRotationDocument } from '../../gql/graphql.ts';
import { FormPanel } from '../../ui/form-panel.tsx';
import { useFields } from '../../ui/use-fields.ts';
import { recipeExamples, recipeFields, recipeOf } from './recipe.ts';

interface RecipeEditorProps {
  readonly secret: string;
  /** Null: it is not rotated yet. */
  readonly rotation: RotationRowFragment | null;
  readonly done: () => void | Promise<void>;
}

/** How and when a secret gets its next value. */
export function RecipeEditor({ secret, rotation, done }: RecipeEditorProps) {
  const write = useWrite(SetRotationDocument);
  const { fields, set, text, flag } = useFields(recipeFields(rotation));
  const submit = async () => {
    const recipe = recipeOf(fields);
    if (typeof recipe === 'string') return recipe;
    const { problem } = await write({ secret, recipe });
    if (problem === undefined) await done();
    return problem;
  };
  return (
    <FormPanel
      submitLabel={rotation === null ? 'Set it up' : 'Save'}
      submit={submit}
      refused={useRefusal('rotation:update')}
    >
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
      {rotation === null && (
        <NativeSelect
          label="Begin with"
          data={Object.entries(recipeExamples).map(([value, { label }]) => ({ value, label }))}
          onChange={(event) =>
            set({ text: recipeExamples[event.currentTarget.value as keyof typeof recipeExamples].text })
          }
        />
      )}
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
    </FormPanel>
  );
}
