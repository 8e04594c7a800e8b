import { describe, expect, it } from 'vitest';
import { type EventList, type PlacedEvent, changeList, emptyList, mostFollowed, mostRead } from './event-list.ts';

/** Events, the newest first: 9, 8, 7 … */
const events = (from: number, count: number): PlacedEvent[] =>
  Array.from(
    { length: count },
    (_, index) => ({ cursor: `c${from - index}`, node: { id: `${from - index}` } }) as PlacedEvent,
  );
const idsOf = (list: EventList) => list.events.map(({ node }) => Number(node.id));
const read = (from: number, count: number) =>
  changeList(emptyList, { kind: 'read', events: events(from, count), hasOlder: false });

describe('the list of a live tail', () => {
  it('has each event once, the newest first, however often it comes', () => {
    const list = changeList(read(3, 3), { kind: 'came', events: events(5, 3) });
    expect(idsOf(list)).toEqual([5, 4, 3, 2, 1]);
    expect(changeList(list, { kind: 'came', events: events(5, 2) })).toBe(list);
  });

  it('keeps so many and no more, and knows that there are older ones', () => {
    let list = read(100, 100);
    for (let newest = 101; newest <= 3_000; newest += 100)
      list = changeList(list, { kind: 'came', events: events(newest + 99, 100) });
    expect(list.events).toHaveLength(mostFollowed);
    expect(list.hasOlder).toBe(true);
    expect(idsOf(list)[0]).toBe(3_000);
  });

  it('does not take away what was read back, up to its own limit', () => {
    let list = changeList(read(1_000, 100), {
      kind: 'older',
      behind: 'c901',
      events: events(900, 600),
      hasOlder: true,
    });
    list = changeList(list, { kind: 'came', events: events(1_001, 1) });
    expect(list.events).toHaveLength(701);
    list = changeList(list, { kind: 'older', behind: 'c301', events: events(300, mostRead), hasOlder: true });
    expect(list.events).toHaveLength(mostRead);
  });

  it('takes none that were read for another filter, or twice', () => {
    const list = read(1_000, 100);
    expect(changeList(list, { kind: 'older', behind: 'c7', events: events(6, 5), hasOlder: false })).toBe(list);
  });

  it('stands still while it is paused, holds a bounded number, and says when it missed some', () => {
    let list = changeList(read(3, 3), { kind: 'pause' });
    list = changeList(list, { kind: 'came', events: events(5, 2) });
    expect(idsOf(list)).toEqual([3, 2, 1]);
    expect(idsOf(changeList(list, { kind: 'go on' }))).toEqual([5, 4, 3, 2, 1]);
    for (let newest = 6; newest < 2_000; newest += 1)
      list = changeList(list, { kind: 'came', events: events(newest, 1) });
    expect(list.held).toHaveLength(mostFollowed);
    expect(list.hasMissed).toBe(true);
    expect(changeList(list, { kind: 'read', events: events(2_000, 100), hasOlder: true })).toMatchObject({
      held: [],
      hasMissed: false,
    });
  });
});
