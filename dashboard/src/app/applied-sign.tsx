import { CloseButton } from '@mantine/core';
import { useEffect } from 'react';
import { dropNote, useAppliedNote } from '../api/applied-note.ts';

/** Says which workers do not have the last write that was waited for. It stays when the form of the write is left. */
export function AppliedSign() {
  const note = useAppliedNote();
  // Whoever signs in next has written nothing.
  useEffect(() => dropNote, []);
  return (
    <div role="status">
      {note !== undefined && (
        <div className="note warn advice applied-note">
          <span>{note}</span>
          <CloseButton size="sm" aria-label="Close the note" onClick={dropNote} />
        </div>
      )}
    </div>
  );
}
