/** Allowed or denied, in words as well as in colour. */
export function DecisionTag({ decision }: { readonly decision: 'ALLOW' | 'DENY' }) {
  return (
    <span className={`tag ${decision === 'ALLOW' ? 'allow' : 'deny'}`}>
      {decision === 'ALLOW' ? 'Allowed' : 'Denied'}
    </span>
  );
}
