import type { Section } from '@onecli/shared/domain/configuration-file';
import type { FaultCode } from '@onecli/shared/fault';

export const objectKinds = ['secret', 'agent', 'policy', 'route'] as const;
export type ObjectKind = (typeof objectKinds)[number];

/** What would happen to an object; UNKNOWN for one that the principal may not read. */
export const planActions = ['CREATE', 'UPDATE', 'DELETE', 'NONE', 'UNKNOWN'] as const;
export type PlanAction = (typeof planActions)[number];

/** An object as a configuration wants it. */
export interface DesiredObject {
  readonly kind: ObjectKind;
  readonly section: Section;
  /** Its place in the list of its section. */
  readonly index: number;
  readonly name: string;
  /** All fields but the name, in the form of JSON; what is not named stays as it is. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Of a secret, where one was given. */
  readonly value?: string | undefined;
}

/** An object as it is. */
export interface ActualObject {
  readonly kind: ObjectKind;
  readonly id: string;
  readonly name: string;
  readonly managedBy: string | null;
  /** Another one with each write. */
  readonly stamp: string;
  /** As those of a desired object. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Of a secret: tells its current value from another. */
  readonly fingerprint?: string;
}

/** One field of a change. Of a value nothing is shown but that it is a new one. */
export interface FieldChange {
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

export interface PlannedChange {
  readonly kind: ObjectKind;
  readonly name: string;
  readonly action: PlanAction;
  readonly fields: readonly FieldChange[];
  /** An agent that gets a token by it, which the answer to apply tells once. */
  readonly makesToken: boolean;
  /** Why apply would refuse it; null when it would not. */
  readonly refused: { readonly code: FaultCode; readonly message: string } | null;
}

/** Something in the configuration that cannot be. Nothing can be applied while there is one. */
export interface PlanProblem {
  readonly code: FaultCode;
  /** As `policies[2].rules[0].allow.hosts[1]`. */
  readonly field: string;
  readonly message: string;
}

/** What stands for a value in a plan. */
export const newValue = '(new value)';
