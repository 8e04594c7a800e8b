import { Textarea } from '@mantine/core';
import { useNavigate } from 'react-router';
import { useRefusal } from '../../api/use-may.ts';
import { useWrite } from '../../api/use-write.ts';
import { ImportAuthorityDocument } from '../../gql/graphql.ts';
import { FormPanel } from '../../ui/form-panel.tsx';
import { useFields } from '../../ui/use-fields.ts';
import { OverlapInput } from './authority-acts.tsx';
import { kindTexts } from './kind-texts.ts';

/** Brings an authority of one's own. Its key is not kept by the page. */
export function ImportAuthorityScreen() {
  const write = useWrite(ImportAuthorityDocument);
  const navigate = useNavigate();
  const { fields, set, text } = useFields({
    certificate: '',
    privateKey: '',
    overlapHours: kindTexts.GATEWAY.overlapHours,
  });
  const submit = async () => {
    const { problem } = await write({ input: fields });
    if (problem !== undefined) return problem;
    set({ privateKey: '' });
    await navigate('/authorities');
    return undefined;
  };
  return (
    <div className="narrow stack">
      <h1>Import an authority</h1>
      <FormPanel submitLabel="Make it the next one" submit={submit} refused={useRefusal('authority:import')}>
        <Textarea
          label="Certificates"
          description="PEM: its own first, then each that issued the one before; the root last, or not at all"
          classNames={{ input: 'mono' }}
          autosize
          minRows={6}
          maxRows={14}
          required
          spellCheck={false}
          {...text('certificate')}
        />
        <Textarea
          label="Private key"
          description="PEM, not encrypted. It goes in and never comes out; keep your own copy"
          classNames={{ input: 'mono concealed' }}
          autosize
          minRows={4}
          maxRows={8}
          required
          autoComplete="off"
          data-1p-ignore
          data-lpignore="true"
          spellCheck={false}
          {...text('privateKey')}
        />
        <OverlapInput kind="GATEWAY" hours={fields.overlapHours} change={(overlapHours) => set({ overlapHours })} />
      </FormPanel>
    </div>
  );
}
