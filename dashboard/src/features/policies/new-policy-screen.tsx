import { useNavigate } from 'react-router';
import { late } from '../../ui/late.tsx';

const PolicyEditor = late(async () => (await import('./policy-editor.tsx')).PolicyEditor);

const example = `name: my-policy
agents: [my-agent]
rules:
  - allow: { hosts: [api.example.com], paths: [/v1/**], methods: [GET] }
`;

/** Makes a policy of text. */
export function NewPolicyScreen() {
  const navigate = useNavigate();
  return (
    <div className="stack">
      <h1>New policy</h1>
      <section className="panel">
        <PolicyEditor text={example} done={() => navigate('/policies')} />
      </section>
    </div>
  );
}
