import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import type { GraphqlContext, NoteRefusal } from '../../api/graphql-context.ts';
import { type Connection, ConnectionArguments, connectionOf, pageOf } from '../../api/connection.ts';
import { orNull } from '../../api/or-null.ts';
import { ObjectArguments, WriteArguments, conditionsOf, refOf } from '../../api/object-arguments.ts';
import { RemovalPayload, payloadOf, refusedPayload } from '../../api/write-payload.ts';
import { withoutNulls } from '../../api/without-nulls.ts';
import type { Written } from '../../configuration/written.ts';
import { describeCaller } from '../describe-caller.ts';
import { LoginRefusal } from '../passwords/password-login.ts';
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
  readonly #refused: NoteRefusal;

  constructor(users: UserService, passwords: PasswordService, refused: NoteRefusal) {
    this.#users = users;
    this.#passwords = passwords;
    this.#refused = refused;
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
  user(
    @Args(() => ObjectArguments) asked: ObjectArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<User | null> {
    return orNull(async () => show(await this.#users.get(principal, refOf(asked))));
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
    @Args(() => WriteArguments) asked: WriteArguments,
    @Arg('input', () => UserUpdateInput) input: UserUpdateInput,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<UserPayload> {
    const update = withoutNulls(input);
    return payloadOf(async () =>
      showWritten(await this.#users.update(principal, refOf(asked), update, conditionsOf(asked))),
    );
  }

  @Mutation(() => UserLinkPayload, {
    description: 'Takes a user’s password away, ends his sessions, and gives the link by which he sets another.',
  })
  resetUser(
    @Args(() => WriteArguments) asked: WriteArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<UserLinkPayload> {
    return linkPayloadOf(() => this.#users.reset(principal, refOf(asked), conditionsOf(asked)));
  }

  @Mutation(() => RemovalPayload)
  deleteUser(
    @Args(() => WriteArguments) asked: WriteArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<RemovalPayload> {
    return payloadOf(() => this.#users.remove(principal, refOf(asked), conditionsOf(asked)));
  }

  @Mutation(() => UserPayload, {
    description: 'Changes the caller’s own password. All his sessions end, this one too.',
  })
  async changePassword(
    @Arg('currentPassword', () => String) currentPassword: string,
    @Arg('password', () => String) password: string,
    @Ctx() context: GraphqlContext,
  ): Promise<UserPayload> {
    try {
      const input = { currentPassword, password };
      return await payloadOf(async () => showWritten(await this.#passwords.change(context.principal, input)));
    } catch (error) {
      // Wrong input, and all the same a login that was refused: it goes on the record as such.
      if (!(error instanceof LoginRefusal)) throw error;
      await this.#refused(error, context);
      return refusedPayload(error);
    }
  }
}

function show({ roles, state, ...view }: UserView): User {
  return { ...view, roles: showRoles(roles), state: state as UserState };
}

function showWritten({ object, ...written }: Written<UserView>) {
  return { ...written, object: show(object) };
}

async function linkPayloadOf(write: () => Promise<WrittenUser>): Promise<UserLinkPayload> {
  const payload = await payloadOf(async () => {
    const { object, link, ...written } = await write();
    return { ...written, object: show(object), ...link };
  });
  return { expiresAt: null, ...payload };
}
