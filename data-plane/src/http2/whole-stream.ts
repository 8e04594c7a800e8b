import type { Http2Stream } from 'node:http2';
import { constants } from 'node:http2';

/**
 * Tells the end of a message from the end of its stream. For node:http2 a stream that was reset with NO_ERROR ends as one
 * that sent END_STREAM; but for END_STREAM it ends the readable side while the stream is not yet closed, and for a reset it
 * closes the stream first. Call it before anything is read; the result says whether END_STREAM has come by now.
 */
export function watchEnd(stream: Http2Stream): () => boolean {
  let isWhole = stream.state.state === constants.NGHTTP2_STREAM_STATE_HALF_CLOSED_REMOTE;
  const push = stream.push.bind(stream);
  stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (chunk === null && !stream.closed && !stream.destroyed) isWhole = true;
    return push(chunk, encoding);
  };
  return () => isWhole;
}
