import type { Writable } from 'node:stream';

/** Bytes to be sent; a text stands for one octet a character (latin1). */
export type Piece = Buffer | string;

/**
 * Writes in order and waits while the peer does not take more: this is what makes one side's slowness the other's.
 * Gives false when the socket is gone. Small pieces go out as one, in one TLS record and one system call.
 */
export function writeBytes(socket: Writable, pieces: readonly Piece[]): boolean | Promise<boolean> {
  if (socket.destroyed || !socket.writable) return false;
  const [only] = pieces;
  const isRoom = pieces.length === 1 && typeof only === 'object' ? socket.write(only) : writeMany(socket, pieces);
  return isRoom || drained(socket);
}

const joinedBytes = 16 * 1024;

function writeMany(socket: Writable, pieces: readonly Piece[]): boolean {
  let total = 0;
  for (const piece of pieces) total += piece.length;
  if (total === 0) return true;
  if (total <= joinedBytes) return socket.write(join(pieces, total));
  socket.cork();
  let isRoom = true;
  for (const piece of pieces) isRoom = typeof piece === 'string' ? socket.write(piece, 'latin1') : socket.write(piece);
  socket.uncork();
  return isRoom;
}

function join(pieces: readonly Piece[], total: number): Buffer {
  const bytes = Buffer.allocUnsafe(total);
  let at = 0;
  for (const piece of pieces) {
    if (typeof piece === 'string') bytes.write(piece, at, 'latin1');
    else bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function drained(socket: Writable): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (isOpen: boolean): void => {
      socket.off('drain', onDrain);
      socket.off('close', onClose);
      resolve(isOpen);
    };
    const onDrain = (): void => settle(true);
    const onClose = (): void => settle(false);
    socket.on('drain', onDrain);
    socket.on('close', onClose);
  });
}
