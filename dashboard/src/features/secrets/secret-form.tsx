import { Checkbox, NativeSelect, NumberInput, Textarea, TextInput } from '@mantine/core';
import type { Surface } from '../../gql/graphql.ts';
import type { FormFields } from '../../ui/use-fields.ts';
import type { SecretFields } from './secret-fields.ts';
import { surfaces } from './surfaces.ts';

const scrubModes = [
  { value: 'REPLACE', label: 'Replace it by the placeholder' },
  { value: 'REFUSE', label: 'Refuse the answer' },
  { value: 'OFF', label: 'Let it through' },
];

/** What a secret is for, and for how long: all but its name and value. */
export function SecretForm({ form }: { readonly form: FormFields<SecretFields> }) {
  const { fields, set, text, flag } = form;
  return (
    <>
      <TextInput label="Description" {...text('description')} />
      <fieldset className="parts">
        <legend>Where it may be used</legend>
        <TextInput
          label="Hosts"
          description="With commas between them. A secret without one is never used"
          spellCheck={false}
          {...text('hosts')}
        />
        <Checkbox.Group
          label="Surfaces"
          description="Where in a request its placeholder is replaced"
          value={[...fields.surfaces]}
          onChange={(chosen) => set({ surfaces: chosen as Surface[] })}
        >
          <div className="actions choices">
            {surfaces.map(({ id, label }) => (
              <Checkbox key={id} value={id} label={label} size="xs" />
            ))}
          </div>
        </Checkbox.Group>
        {fields.surfaces.includes('JSON') && (
          <Textarea
            label="JSON paths"
            description="Where in JSON bodies, like $.auth.key, one on each line. Empty: in any string"
            autosize
            spellCheck={false}
            {...text('jsonPaths')}
          />
        )}
        <NativeSelect label="When an upstream echoes it" data={scrubModes} {...text('scrub')} />
        <Checkbox
          label="May leave without TLS"
          description="Over http://, where everybody on the way can read it"
          {...flag('allowCleartext')}
        />
      </fieldset>
      <fieldset className="parts">
        <legend>For how long</legend>
        <TextInput
          type="datetime-local"
          label="Expires"
          description="By your clock. From then on it is refused everywhere. Empty: never"
          {...text('expiresAt')}
        />
        <Numbers form={form} />
      </fieldset>
    </>
  );
}

function Numbers({ form: { fields, set } }: { readonly form: FormFields<SecretFields> }) {
  return (
    <div className="columns inputs">
      <NumberInput
        label="Lease in seconds"
        description="How long a worker that is cut off goes on using it. Empty: without end"
        min={1}
        allowDecimal={false}
        value={fields.leaseSeconds}
        onChange={(value) => set({ leaseSeconds: String(value) })}
      />
      <NumberInput
        label="Versions that are kept"
        description="Older ones are destroyed, also now. Empty: all"
        min={1}
        max={1000}
        allowDecimal={false}
        value={fields.maxVersions}
        onChange={(value) => set({ maxVersions: String(value) })}
      />
    </div>
  );
}
