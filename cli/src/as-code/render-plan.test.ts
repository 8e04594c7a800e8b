import { describe, expect, it } from 'vitest';
import { leafChanges } from './leaf-changes.ts';
import type { ChangeAnswer } from './plan-answer.ts';
import { renderPlan } from './render-plan.ts';

const change = (fields: Partial<ChangeAnswer>): ChangeAnswer => ({
  kind: 'policy',
  name: 'finance',
  action: 'UPDATE',
  fields: [],
  makesToken: false,
  refused: null,
  ...fields,
});
const plain = (_colour: string, text: string) => text;

describe('renderPlan', () => {
  it('shows changes with their fields, and counts the rest', () => {
    const rules = (methods: string[]) => [{ allow: { hosts: ['a.example'], methods } }];
    const changes = [
      change({
        kind: 'agent',
        name: 'a',
        action: 'CREATE',
        makesToken: true,
        fields: [{ field: 'labels', before: null, after: { x: 'y' } }],
      }),
      change({ fields: [{ field: 'rules', before: rules(['GET']), after: rules(['GET', 'POST']) }] }),
      change({ kind: 'secret', name: 'prod/a', fields: [{ field: 'value', before: null, after: '(new value)' }] }),
      change({ name: 'old', action: 'DELETE', refused: { code: 'FORBIDDEN', message: 'The role auditor may not' } }),
      change({ name: 'same', action: 'NONE' }),
    ];
    expect(renderPlan({ changes }, 'plan', plain)).toEqual([
      '+ agent a',
      '    labels: {"x":"y"}',
      '    token: a new one, told once',
      '~ policy finance',
      '    rules[0].allow.methods: ["GET"] → ["GET","POST"]',
      '~ secret prod/a',
      '    value: (new value)',
      '- policy old',
      '    refused: The role auditor may not',
      '1 to create, 2 to change, 1 to delete, 1 as they are',
    ]);
    expect(renderPlan({ changes: [change({ action: 'NONE' })] }, 'plan', plain)).toEqual([
      'nothing to do: 1 as they are',
    ]);
  });

  it('lets no text from outside command the terminal', () => {
    const changes = [
      change({ name: 'x\u001b[2J', fields: [{ field: 'description', before: '\u202e', after: '\u001b]0;x\u0007' }] }),
    ];
    expect(renderPlan({ changes }, 'plan', plain).join('')).not.toMatch(/[\u001b\u0007\u202e]/);
  });
});

describe('leafChanges', () => {
  it('goes as deep as says something', () => {
    expect(leafChanges('a', { b: 1, c: { d: 2 } }, { b: 1, c: { d: 3 }, e: 4 })).toEqual([
      { path: 'a.c.d', before: 2, after: 3 },
      { path: 'a.e', before: undefined, after: 4 },
    ]);
    expect(leafChanges('r', [{ a: 1 }, { a: 2 }], [{ a: 1 }])).toEqual([
      { path: 'r[1]', before: { a: 2 }, after: undefined },
    ]);
    expect(leafChanges('b', { x: 1, y: 2 }, { y: 2, x: 1 })).toEqual([]);
  });
});
