/** The mark: a key. */
export function Logo() {
  return (
    <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#364fc7" />
      <circle cx="12" cy="16" r="5" fill="none" stroke="#fff" strokeWidth="3" />
      <path d="M17 16h9m-4 0v5" stroke="#fff" strokeWidth="3" strokeLinecap="round" />
    </svg>
  );
}
