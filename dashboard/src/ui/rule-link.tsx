import { Link } from 'react-router';
import { ruleName, ruleParts } from './rule-name.ts';

/** A rule, as a way to its policy; hovering tells its id as the record and the API have it. */
export function RuleLink({ rule }: { readonly rule: string }) {
  const policy = ruleParts(rule)?.policy ?? rule;
  return (
    <Link to={`/policies/${encodeURIComponent(policy)}`} title={rule} className="whole">
      {ruleName(rule)}
    </Link>
  );
}
