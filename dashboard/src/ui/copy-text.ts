/**
 * Puts a text on the clipboard. A page over plain HTTP has no `navigator.clipboard`: there the text is selected where it is shown and
 * copied by the browser's own command. Gives whether it was; where not, it stays selected, for the keyboard to copy.
 */
export async function copyText(text: string, shown: Element | null): Promise<boolean> {
  // Absent where the page is not secure, whatever the types say.
  const clipboard = navigator.clipboard as Clipboard | undefined;
  const isWritten = await clipboard?.writeText(text).then(
    () => true,
    () => false,
  );
  if (isWritten === true) return true;
  const selection = window.getSelection();
  if (shown === null || selection === null) return false;
  selection.selectAllChildren(shown);
  // It is not to be used any more, and there is no other way without a secure page.
  // oxlint-disable-next-line typescript/no-deprecated
  return document.execCommand('copy');
}
