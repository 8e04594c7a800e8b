import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../../api/graphql-context.ts';
import { type Connection, ConnectionArguments, connectionOf, pageOf } from '../../api/connection.ts';
import { orNull } from '../../api/or-null.ts';
import { ConditionArguments, conditionsOf } from '../../api/object-arguments.ts';
import { RemovalPayload, payloadOf } from '../../api/write-payload.ts';
import { withoutNulls } from '../../api/without-nulls.ts';
import { describeCaller } from '../describe-caller.ts';
import { showRoles } from '../role.type.ts';
import type { PasswordService } from './password.service.ts';
import type { UserService, UserView, WrittenUser } from './user.service.ts';
import {
  Caller,
  InvitationInput,
  User,
  UserLinkPayload,
  UserConnection,
  UserPayload,
  type UserState,
  UserUpdateInput,
} from './user.type.ts';

@Resolver()
export class UserResolver {
  readonly #users: UserService;
  readonly #passwords: PasswordService;

  constructor(users: UserService, passwords: PasswordService) {
    this.#users = users;
    this.#passwords = passwords;
  }

  @Query(() => Caller, { description: 'Who calls, and what he may do.' })
  me(@Ctx() { principal }: GraphqlContext): Caller {
    const { roles, actions, actionsSomewhere, ...caller } = describeCaller(principal);
    return { ...caller, roles: showRoles(roles), actions: [...actions], actionsSomewhere: [...actionsSomewhere] };
  }

  @Query(() => UserConnection, { description: 'Users, in the order of their names.' })
  async users(
    @Args(() => ConnectionArguments) page: ConnectionArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<Connection<User>> {
    return connectionOf(await this.#users.list(principal, pageOf(page)), show, ({ name }) => name);
  }

  @Query(() => User, { nullable: true })
  user(@Arg('name', () => String) name: string, @Ctx() { principal }: GraphqlContext): Promise<User | null> {
    return orNull(async () => show(await this.#users.get(principal, name)));
  }

  @Mutation(() => UserLinkPayload, {
    description: 'Makes a user without a password, and the link by which he sets one.',
  })
  inviteUser(
    @Arg('input', () => InvitationInput) input: InvitationInput,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<UserLinkPayload> {
    return linkPayloadOf(() => this.#users.invite(principal, input));
  }

  @Mutation(() => UserPayload)
  updateUser(
    @Arg('name', () => String) name: string,
    @Arg('input', () => UserUpdateInput) input: UserUpdateInput,
    @Args(() => ConditionArguments) asked: ConditionArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<UserPayload> {
    return payloadOf(async () => {
      const { object, ...written } = await this.#users.update(
        principal,
        name,
        withoutNulls(input),
        conditionsOf(asked),
      );
      return { ...written, object: show(object) };
    });
  }

  @Mutation(() => UserLinkPayload, {
    description: 'Takes a user’s password away, ends his sessions, and gives the link by which he sets another.',
  })
  resetUser(
    @Arg('name', () => String) name: string,
    @Args(() => ConditionArguments) asked: ConditionArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<UserLinkPayload> {
    return linkPayloadOf(() => this.#users.reset(principal, name, conditionsOf(asked)));
  }

  @Mutation(() => RemovalPayload)
  deleteUser(
    @Arg('name', () => String) name: string,
    @Args(() => ConditionArguments) asked: ConditionArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<RemovalPayload> {
    return payloadOf(() => this.#users.remove(principal, name, conditionsOf(asked)));
  }

  @Mutation(() => Boolean, { description: 'Changes the caller’s own password. All his sessions end, this one too.' })
  async changePassword(
    @Arg('currentPassword', () => String) currentPassword: string,
    @Arg('password', () => String) password: string,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<boolean> {
    await this.#passwords.change(principal, { currentPassword, password });
    return true;
  }
}

function show({ roles, state, ...view }: UserView): User {
  return { ...view, roles: showRoles(roles), state: state as UserState };
}

async function linkPayloadOf(write: () => Promise<WrittenUser>): Promise<UserLinkPayload> {
  const payload = await payloadOf(async () => {
    const { object, link, ...written } = await write();
    return { ...written, object: show(object), ...link };
  });
  return { expiresAt: null, ...payload };
}
