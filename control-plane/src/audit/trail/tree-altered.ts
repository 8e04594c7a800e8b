/** The stored tree is not one that goes on from what was signed: somebody altered it. */
export class TreeAltered extends Error {
  override readonly name = 'TreeAltered';
}
