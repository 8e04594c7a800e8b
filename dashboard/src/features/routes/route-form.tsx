import { Button, NativeSelect, TextInput } from '@mantine/core';
import type { FormFields } from '../../ui/use-fields.ts';
import { type InjectionFields, injectionKinds, newInjection, type RouteFields } from './route-fields.ts';

/** The fields of a route but its name. */
export function RouteForm({ form }: { readonly form: FormFields<RouteFields> }) {
  const { fields, set, text } = form;
  const change = (index: number, part: Partial<InjectionFields>) =>
    set({ inject: fields.inject.map((each, at) => (at === index ? { ...each, ...part } : each)) });
  return (
    <>
      <TextInput
        label="Secret"
        description="Environment and name, like prod/openai. Its binding has to cover the hosts"
        required
        spellCheck={false}
        {...text('secret')}
      />
      <TextInput
        label="Hosts"
        description="With commas between them; *.example.com is any name below"
        required
        spellCheck={false}
        {...text('hosts')}
      />
      <div className="columns inputs">
        <TextInput
          label="Paths"
          description="Empty: every path. * is within a segment, ** across them"
          spellCheck={false}
          {...text('paths')}
        />
        <TextInput label="Methods" description="Empty: every method" spellCheck={false} {...text('methods')} />
      </div>
      <fieldset className="parts">
        <legend>What it does to a request</legend>
        {fields.inject.map((injection, index) => (
          <InjectionRow
            // They have no name, and change places never.
            // oxlint-disable-next-line react/no-array-index-key
            key={index}
            number={index + 1}
            injection={injection}
            change={(part) => change(index, part)}
            remove={() => set({ inject: fields.inject.filter((_each, at) => at !== index) })}
          />
        ))}
        <div className="actions">
          <Button variant="default" size="xs" onClick={() => set({ inject: [...fields.inject, newInjection] })}>
            One thing more
          </Button>
        </div>
      </fieldset>
    </>
  );
}

interface InjectionRowProps {
  readonly number: number;
  readonly injection: InjectionFields;
  readonly change: (part: Partial<InjectionFields>) => void;
  readonly remove: () => void;
}

function InjectionRow({ number, injection, change, remove }: InjectionRowProps) {
  const { kind, name, template } = injection;
  const { hasName, hasTemplate } = injectionKinds[kind];
  return (
    <div className="part">
      <NativeSelect
        label={`Part ${number}`}
        value={kind}
        data={Object.entries(injectionKinds).map(([value, { label }]) => ({ value, label }))}
        onChange={(event) => change({ kind: event.currentTarget.value as InjectionFields['kind'] })}
      />
      {hasName && (
        <TextInput
          label="Name"
          required
          spellCheck={false}
          value={name}
          onChange={(event) => change({ name: event.currentTarget.value })}
        />
      )}
      {hasTemplate && (
        <TextInput
          label="Text"
          placeholder={kind === 'path' ? '/{secret}{path}' : 'Bearer {secret}'}
          required
          spellCheck={false}
          value={template}
          onChange={(event) => change({ template: event.currentTarget.value })}
        />
      )}
      <Button variant="default" aria-label={`Take part ${number} away`} onClick={remove}>
        ✕
      </Button>
    </div>
  );
}
