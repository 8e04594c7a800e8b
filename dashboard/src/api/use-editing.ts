import { useState } from 'react';
import { changedParts, differencesOf, type FieldDifference } from '../ui/differences.ts';
import { type FormFields, useFields } from '../ui/use-fields.ts';
import { type Task, useTask } from '../ui/use-task.ts';

interface Revised {
  readonly revision: number;
}

interface EditingProps<Thing extends Revised, Fields extends object, Input extends object> {
  readonly thing: Thing;
  readonly fieldsOf: (thing: Thing) => Fields;
  /** What the fields ask for, or what is wrong with them. */
  readonly inputOf: (fields: Fields) => Input | string;
  /** Writes the parts that were changed, on the condition that nobody else wrote after a revision. */
  readonly write: (
    parts: Partial<Input>,
    ifRevision: number,
  ) => Promise<{ readonly problem: string | undefined; readonly code: string | undefined }>;
  /** How it is now; null when it is gone. What is typed has to stay meanwhile. */
  readonly look: () => Promise<Thing | null>;
  readonly done: () => void | Promise<void>;
}

/** An object in a form. What somebody else writes meanwhile is shown, and neither lost nor written over unseen. */
export interface Editing<Fields> {
  readonly form: FormFields<Fields>;
  readonly task: Task;
  readonly submit: () => Promise<string | undefined>;
  /** Somebody else wrote it meanwhile. */
  readonly conflict: Conflict | undefined;
}

interface Conflict {
  readonly differences: readonly FieldDifference[] | undefined;
  readonly writeMine: () => void;
  readonly takeTheirs: () => void;
}

export function useEditing<Thing extends Revised, Fields extends object, Input extends object>(
  props: EditingProps<Thing, Fields, Input>,
): Editing<Fields> {
  const { thing, fieldsOf, inputOf, write, look, done } = props;
  const [base, setBase] = useState(thing);
  const [current, setCurrent] = useState<Thing | null>();
  const form = useFields(fieldsOf(thing));
  const task = useTask();
  const original = inputOf(fieldsOf(base));
  const submit = async (ifRevision = base.revision): Promise<string | undefined> => {
    const input = inputOf(form.fields);
    if (typeof input === 'string') return input;
    // Only what was changed here is written: what others changed elsewhere stays.
    const parts = typeof original === 'string' ? input : changedParts(original, input);
    const { problem, code } = await write(parts, ifRevision);
    if (problem !== undefined) {
      const now = await look();
      // What was deleted is refused for whatever a new one would lack.
      if (code !== 'CONFLICT' && now !== null) return problem;
      setCurrent(now);
      return undefined;
    }
    setCurrent(undefined);
    await done();
    return undefined;
  };
  const takeTheirs = () => {
    if (current != null) {
      setBase(current);
      form.set(fieldsOf(current));
    } else {
      task.run(async () => {
        await done();
        return undefined;
      });
    }
    setCurrent(undefined);
  };
  const differences = current == null || typeof original === 'string' ? undefined : theirs(original, current);
  function theirs(mine: Input, now: Thing): FieldDifference[] {
    const input = inputOf(fieldsOf(now));
    return typeof input === 'string' ? [] : differencesOf(mine, input);
  }
  const conflict =
    current === undefined
      ? undefined
      : { differences, takeTheirs, writeMine: () => task.run(() => submit(current?.revision ?? 0)) };
  return { form, task, submit: () => submit(), conflict };
}
