import { z } from 'zod';
import { id, revision, texts, standing, time } from './rest/answer-parts.ts';

const identity = z
  .union([
    z.strictObject({ token: z.strictObject({ expiresAt: time.optional(), cidrs: texts.optional() }) }),
    z.strictObject({
      mtls: z.strictObject({
        commonName: z.string().optional(),
        dnsName: z.string().optional(),
        uri: z.string().optional(),
      }),
    }),
    z.strictObject({
      jwt: z.strictObject({
        issuer: z.string(),
        audience: z.string(),
        claims: z.record(z.string(), z.string()),
        jwksUri: z.string().optional(),
      }),
    }),
    z.strictObject({ header: z.strictObject({ name: z.string(), value: z.string(), cidrs: texts }) }),
    z.strictObject({ source: z.strictObject({ cidrs: texts }) }),
  ])
  .meta({ id: 'Identity' });

export const agent = z
  .strictObject({
    id,
    name: z.string(),
    labels: z.record(z.string(), z.string()),
    disabled: z.boolean(),
    identities: z.array(identity),
    tokens: z.array(
      z.strictObject({
        prefix: z.string().meta({ description: 'Its first characters, by which a person tells tokens apart.' }),
        createdAt: time,
        expiresAt: time.nullable(),
      }),
    ),
    ...standing,
  })
  .meta({ id: 'Agent' });

const newToken = z.string().meta({ description: 'A token that this call made. It is told this once.' });

export const written = agent.extend({ token: newToken.optional(), revision }).meta({ id: 'WrittenAgent' });

export const token = z.strictObject({ token: newToken, revision }).meta({ id: 'NewToken' });

export const certificate = z
  .strictObject({
    certificate: z.string().meta({ description: 'PEM' }),
    privateKey: z.string().meta({ description: 'PEM. It is told this once.' }),
    expiresAt: time,
    revision,
  })
  .meta({ id: 'IssuedCertificate' });
