import { Field, Float, GraphQLISODateTime, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { connectionType } from '../api/connection.ts';

export enum Decision {
  ALLOW = 'allow',
  DENY = 'deny',
}
registerEnumType(Decision, { name: 'Decision' });

@ObjectType({ description: 'Something somebody should look at.' })
export class Finding {
  @Field(() => String)
  kind: string;

  @Field(() => String, { description: 'Where in the request: the name of a header, `target`, `body`.' })
  place: string;
}

@ObjectType({ description: 'One record of a request. It has no field that could hold a credential.' })
export class AuditEvent {
  @Field(() => ID)
  id: string;

  @Field(() => GraphQLISODateTime)
  time: Date;

  @Field(() => String, { nullable: true })
  agent: string | null;

  @Field(() => Decision)
  decision: Decision;

  @Field(() => String)
  reason: string;

  @Field(() => String, { nullable: true })
  rule: string | null;

  @Field(() => String)
  host: string;

  @Field(() => Int)
  port: number;

  @Field(() => String)
  method: string;

  @Field(() => String, {
    nullable: true,
    description: 'Without the query. Null when the row was altered and does not open.',
  })
  path: string | null;

  @Field(() => Int, { description: 'What the agent received; 0 when the connection ended before.' })
  status: number;

  @Field(() => Float)
  latencyMs: number;

  @Field(() => Float)
  requestBytes: number;

  @Field(() => Float)
  responseBytes: number;

  @Field(() => [String], { description: 'Secret versions that left with the request: `prod/openai@1`.' })
  secrets: string[];

  @Field(() => [Finding])
  findings: Finding[];

  @Field(() => String)
  requestId: string;

  @Field(() => Int)
  revision: number;

  @Field(() => String)
  worker: string;
}

export const AuditEventConnection = connectionType(AuditEvent, 'AuditEvent');

@InputType({ description: 'Which events: those to which all of it applies.' })
export class AuditFilterInput {
  @Field(() => String, { nullable: true })
  agent?: string | null;

  @Field(() => String, { nullable: true })
  host?: string | null;

  @Field(() => Decision, { nullable: true })
  decision?: Decision | null;

  @Field(() => String, { nullable: true, description: '`ALLOWED`, `MONITORED`, or a code of the table of faults.' })
  reason?: string | null;

  @Field(() => Boolean, { nullable: true, description: 'Somebody should look at it.' })
  hasFindings?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'It was let through, and the upstream failed (5xx) or the connection ended before an answer.',
  })
  hasFailed?: boolean | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: 'From this moment on.' })
  since?: Date | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: 'Until this moment, it excluded.' })
  until?: Date | null;
}

@ObjectType({ description: 'An event as it was written, and the cursor by which to go on after it.' })
export class FollowedAuditEvent {
  @Field(() => String)
  cursor: string;

  @Field(() => AuditEvent)
  node: AuditEvent;
}
