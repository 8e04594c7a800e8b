import { NativeSelect } from '@mantine/core';
import { useRef } from 'react';
import { useEditing } from '../../api/use-editing.ts';
import { useLook } from '../../api/use-look.ts';
import { useRefusal } from '../../api/use-may.ts';
import { useWrite } from '../../api/use-write.ts';
import { type RotationRowFragment, RotationDocument, SetRotationDocument } from '../../gql/graphql.ts';
import { ConflictNotice } from '../../ui/conflict-notice.tsx';
import { FormPanel } from '../../ui/form-panel.tsx';
import { useFields } from '../../ui/use-fields.ts';
import { RecipeForm } from './recipe-form.tsx';
import { recipeExamples, recipeFields, recipeOf, savedRecipe, withKeys } from './recipe.ts';

interface RecipeEditorProps {
  readonly secret: string;
  /** Null: it is not rotated yet. */
  readonly rotation: RotationRowFragment | null;
  readonly done: () => void | Promise<void>;
}

/** How and when a secret gets its next value. */
export function RecipeEditor({ rotation, ...others }: RecipeEditorProps) {
  return rotation === null ? <NewRecipe {...others} /> : <SavedRecipe {...others} rotation={rotation} />;
}

function NewRecipe({ secret, done }: Omit<RecipeEditorProps, 'rotation'>) {
  const write = useWrite(SetRotationDocument);
  const form = useFields(recipeFields(null));
  const submit = async () => {
    const recipe = recipeOf(form.fields);
    if (typeof recipe === 'string') return recipe;
    const { problem, code } = await write({ secret, recipe, ifRevision: 0 });
    if (code === 'CONFLICT') return `${secret} is rotated already. Change how instead.`;
    if (problem === undefined) await done();
    return problem;
  };
  return (
    <FormPanel submitLabel="Set it up" submit={submit} refused={useRefusal('rotation:update')}>
      <RecipeForm form={form}>
        <NativeSelect
          label="Begin with"
          data={Object.entries(recipeExamples).map(([value, { label }]) => ({ value, label }))}
          onChange={(event) =>
            form.set({ text: recipeExamples[event.currentTarget.value as keyof typeof recipeExamples].text })
          }
        />
      </RecipeForm>
    </FormPanel>
  );
}

interface SavedRecipeProps extends RecipeEditorProps {
  readonly rotation: RotationRowFragment;
}

/** It is written as a whole: what was changed here is put into what is known to be saved. */
function SavedRecipe({ secret, rotation, done }: SavedRecipeProps) {
  const write = useWrite(SetRotationDocument);
  const seen = useRef([rotation]);
  const lookOnce = useLook(RotationDocument, { secret }, (data) => data.rotation);
  const look = async () => {
    const now = await lookOnce();
    if (now !== null) seen.current.unshift(now);
    return now;
  };
  const { form, task, submit, conflict } = useEditing({
    thing: rotation,
    fieldsOf: recipeFields,
    inputOf: (fields) => withKeys(seen.current, recipeOf(fields)),
    write: (parts, ifRevision) =>
      write({ secret, recipe: { ...savedRecipe(seen.current[0] ?? rotation), ...parts }, ifRevision }),
    look,
    done,
  });
  return (
    <FormPanel submitLabel="Save" submit={submit} task={task} refused={useRefusal('rotation:update')}>
      {conflict !== undefined && <ConflictNotice {...conflict} isBusy={task.isBusy} />}
      <RecipeForm form={form} />
    </FormPanel>
  );
}
