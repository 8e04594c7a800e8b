import type { AnswerScrub } from '../scrub/answer-scrub.ts';
import { type ControlFrame, maxControlBytes, opcodes } from './codec/frame.ts';
import type { MessageFault } from './message-filter.ts';
import { echoedFault } from './scrubbed-message.ts';

/**
 * The payload of an upstream's ping, pong or Close as it may go on: the reason of a Close may well quote a key that was
 * refused (rule 10). What grows beyond a control frame's bounds is cut, a reason between its characters (RFC 6455 5.5).
 */
export function scrubbedControl(
  { opcode, payload }: ControlFrame,
  scrub: AnswerScrub | undefined,
): Buffer | MessageFault {
  if (!scrub || payload.length === 0) return payload;
  const codeBytes = opcode === opcodes.close ? 2 : 0;
  const said = payload.subarray(codeBytes);
  const scrubbed = scrub.payload('message').push([said], true);
  if (scrubbed === 'refused') return echoedFault;
  if (scrubbed.length === 1 && scrubbed[0] === said) return payload;
  const whole = Buffer.concat([payload.subarray(0, codeBytes), ...scrubbed]);
  if (whole.length <= maxControlBytes) return whole;
  let end = maxControlBytes;
  while (((whole[end] as number) & 0xc0) === 0x80) end--;
  return whole.subarray(0, end);
}
