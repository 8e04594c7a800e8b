import { Link } from 'react-router';

export function AgentLink({ name }: { readonly name: string }) {
  return <Link to={`/agents/${encodeURIComponent(name)}`}>{name}</Link>;
}
