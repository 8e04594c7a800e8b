import { Button, NativeSelect, Textarea, TextInput } from '@mantine/core';
import type { FormFields } from '../../ui/use-fields.ts';
import { type AgentFields, type IdentityFields, emptyIdentity, identityKinds } from './identity-fields.ts';

/** Labels of an agent, and how it is recognised. */
export function AgentForm({ form: { fields, set, text } }: { readonly form: FormFields<AgentFields> }) {
  const change = (index: number, part: Partial<IdentityFields>) =>
    set({ identities: fields.identities.map((each, at) => (at === index ? { ...each, ...part } : each)) });
  return (
    <>
      <TextInput
        label="Labels"
        description="Policies can select agents by them: team=finance, environment=staging"
        spellCheck={false}
        {...text('labels')}
      />
      <fieldset className="parts">
        <legend>How it is recognised: by any of these</legend>
        {fields.identities.map((identity, index) => (
          <div className="part" key={index}>
            <NativeSelect
              label={`Identity ${index + 1}`}
              value={identity.kind}
              data={Object.entries(identityKinds).map(([value, label]) => ({ value, label }))}
              onChange={(event) => change(index, { kind: event.currentTarget.value as IdentityFields['kind'] })}
            />
            <KindFields identity={identity} change={(part) => change(index, part)} />
            <Button
              variant="default"
              aria-label={`Take identity ${index + 1} away`}
              onClick={() => set({ identities: fields.identities.filter((_each, at) => at !== index) })}
            >
              ✕
            </Button>
          </div>
        ))}
        <div className="actions">
          <Button
            variant="default"
            size="xs"
            onClick={() => set({ identities: [...fields.identities, emptyIdentity] })}
          >
            One identity more
          </Button>
        </div>
      </fieldset>
    </>
  );
}

interface KindFieldsProps {
  readonly identity: IdentityFields;
  readonly change: (part: Partial<IdentityFields>) => void;
}

function KindFields({ identity, change }: KindFieldsProps) {
  const field = (key: 'cidrs' | 'name' | 'value' | 'issuer' | 'audience' | 'jwksUri') => ({
    spellCheck: false,
    value: identity[key],
    onChange: (event: { readonly currentTarget: HTMLInputElement }) => change({ [key]: event.currentTarget.value }),
  });
  switch (identity.kind) {
    case 'token':
      return (
        <>
          <TextInput label="Only from" placeholder="everywhere, or 10.1.0.0/16" {...field('cidrs')} />
          <TextInput
            type="datetime-local"
            label="Expires"
            value={identity.expiresAt}
            onChange={(event) => change({ expiresAt: event.currentTarget.value })}
          />
        </>
      );
    case 'mtls':
      return <CertificateFields identity={identity} change={change} />;
    case 'jwt':
      return (
        <>
          <TextInput label="Issuer" placeholder="https://…" required {...field('issuer')} />
          <TextInput label="Audience" required {...field('audience')} />
          <TextInput label="JWKS" placeholder="as the issuer says" {...field('jwksUri')} />
          <Textarea
            label="Claims, one a line"
            placeholder="sub=agent-7"
            autosize
            spellCheck={false}
            value={identity.claims}
            onChange={(event) => change({ claims: event.currentTarget.value })}
          />
        </>
      );
    case 'header':
      return (
        <>
          <TextInput label="Header" required {...field('name')} />
          <TextInput label="Value" required {...field('value')} />
          <TextInput label="Set by proxies at" placeholder="10.1.0.0/16" required {...field('cidrs')} />
        </>
      );
    case 'source':
      return <TextInput label="Addresses" placeholder="10.1.2.0/24" required {...field('cidrs')} />;
  }
}

function CertificateFields({ identity, change }: KindFieldsProps) {
  return (
    <>
      <NativeSelect
        label="Which name"
        value={identity.certificateField}
        data={[
          { value: 'commonName', label: 'Common name' },
          { value: 'dnsName', label: 'DNS name' },
          { value: 'uri', label: 'URI (SPIFFE)' },
        ]}
        onChange={(event) =>
          change({ certificateField: event.currentTarget.value as IdentityFields['certificateField'] })
        }
      />
      <TextInput
        label="Name in the certificate"
        required
        spellCheck={false}
        value={identity.name}
        onChange={(event) => change({ name: event.currentTarget.value })}
      />
    </>
  );
}
