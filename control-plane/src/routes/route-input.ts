import type { RouteBody } from '@onecli/shared/domain/route';
import { z } from 'zod';
import { hostPatterns, method, pathPattern, plainName, secretName } from '../configuration/input-parts.ts';

/** Fields that frame or route a message, or that are ours: no route touches them. */
const reserved =
  /^(?:host|content-length|transfer-encoding|connection|keep-alive|te|trailers?|upgrade|expect|proxy-.*|x-onecli-.*|http2-settings)$/i;

const headerName = z
  .string()
  .regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}$/, 'must be the name of a header')
  .refine((name) => !reserved.test(name), 'is a header that no route may touch');
const parameterName = z
  .string()
  .min(1, 'must not be empty')
  .max(100, 'must be at most 100 characters')
  .refine((name) => !/[\x00-\x1f\x7f]|\p{Surrogate}/u.test(name), 'must not have control characters');

const template = z
  .string()
  .max(1000, 'must be at most 1000 characters')
  .refine((text) => text.includes('{secret}'), 'must hold `{secret}`')
  .refine((text) => !/[\x00-\x08\x0a-\x1f\x7f]|\p{Surrogate}/u.test(text), 'must not have control characters');
const pathTemplate = template
  .refine((text) => text.startsWith('/') || text.startsWith('{path}'), 'must start with `/`')
  .refine(
    (text) => /^[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*$/.test(text.replaceAll('{secret}', '').replace('{path}', '')),
    'must be a path, in which `{secret}` may stand, and `{path}` once',
  )
  .refine(
    (text) => !/(?:^|\/)\.{1,2}(?:\/|$)/.test(text) && !/%(?![0-9A-Fa-f]{2})/.test(text),
    'must have no dot segments or bad escapes',
  );

const removal = z
  .strictObject({ header: headerName.optional(), query: parameterName.optional() })
  .refine(
    ({ header, query }) => (header === undefined) !== (query === undefined),
    'must name either a `header` or a `query`',
  )
  .transform(({ header, query }) => (header === undefined ? { query: query ?? '' } : { header }));

const injection = z
  .strictObject({
    header: z.strictObject({ name: headerName, template }).optional(),
    query: z.strictObject({ name: parameterName, template }).optional(),
    path: z.strictObject({ template: pathTemplate }).optional(),
    remove: removal.optional(),
  })
  .refine(
    (value) => Object.values(value).filter((part) => part !== undefined).length === 1,
    'must have one of `header`, `query`, `path` and `remove`',
  )
  .transform(({ header, query, path, remove }): RouteBody['inject'][number] => {
    if (header) return { header };
    if (query) return { query };
    return path ? { path } : { remove: remove ?? { header: '' } };
  });

const content = {
  secret: secretName,
  hosts: hostPatterns,
  paths: z.array(pathPattern).max(200, 'must be at most 200 paths').default([]),
  methods: z.array(method).max(50, 'must be at most 50 methods').default([]),
  inject: z
    .array(injection)
    .min(1, 'must do at least one thing')
    .max(20, 'must be at most 20')
    .refine((list) => list.filter((each) => 'path' in each).length <= 1, 'may have one `path`'),
};

/** A route as a person writes it. */
export const newRouteInput = z.strictObject({ name: plainName, ...content });

/** All of a route but its name, which may be repeated. */
export const routeReplacementInput = z.strictObject({ name: plainName.optional(), ...content });
