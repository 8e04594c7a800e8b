import { TextInput } from '@mantine/core';
import { useState } from 'react';
import { useNavigate, useSearchParams } from 'react-router';
import { late } from '../../ui/late.tsx';

const RecipeEditor = late(async () => (await import('./recipe-editor.tsx')).RecipeEditor);

/** Sets up the rotation of a secret. */
export function NewRotationScreen() {
  const navigate = useNavigate();
  const [parameters] = useSearchParams();
  const [secret, setSecret] = useState(parameters.get('secret') ?? '');
  return (
    <div className="narrow stack">
      <h1>New rotation</h1>
      <p className="lead">
        A secret gets its next value without anybody seeing it: a new key is made and tried, agents use it, and the old
        one is ended.
      </p>
      <section className="panel">
        <TextInput
          label="Secret"
          description="Which is to be rotated, like prod/provider"
          required
          autoFocus
          spellCheck={false}
          value={secret}
          onChange={(event) => setSecret(event.currentTarget.value)}
        />
      </section>
      <RecipeEditor
        secret={secret.trim()}
        rotation={null}
        done={() => navigate(`/rotations/${encodeURIComponent(secret.trim())}`)}
      />
    </div>
  );
}
