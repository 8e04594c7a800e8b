import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { ApiAnswer } from './call-api.ts';

// It names the type of another copy of ajv.
const addFormats = formats as unknown as (ajv: Ajv2020) => void;

export interface Operation {
  readonly operationId: string;
  readonly security?: readonly object[];
  /** What who calls it has to be allowed; `login`: nothing further. */
  readonly 'x-onecli-action'?: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: 'path' | 'query';
    readonly schema: object;
    readonly required: boolean;
  }[];
  readonly requestBody?: { readonly required: boolean; readonly content: { 'application/json': { schema: object } } };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}

export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

export interface NamedOperation {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

/** What a document promises, and whether an answer keeps it. */
export class OpenApiContract {
  readonly operations: readonly NamedOperation[];
  /** `operationId status` of every answer that was checked. */
  readonly seen = new Set<string>();
  readonly #ajv = new Ajv2020({ strict: true, strictTypes: false, allErrors: true });
  readonly #validators = new Map<string, ValidateFunction>();

  constructor(readonly document: OpenApi) {
    addFormats(this.#ajv);
    this.operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
    );
  }

  /** Compiles a schema of the document; throws when it is none. Many answers have the same one, which is compiled once. */
  compile(schema: object): ValidateFunction {
    const text = JSON.stringify(schema);
    const known = this.#validators.get(text);
    if (known) return known;
    // A schema by itself, so that ajv's strict mode sees no word that is OpenAPI's.
    const alone = { ...schema, $defs: this.#referredTo(text) };
    const validate = this.#ajv.compile(
      JSON.parse(JSON.stringify(alone).replaceAll('#/components/schemas/', '#/$defs/')) as object,
    );
    this.#validators.set(text, validate);
    return validate;
  }

  /** The components that a schema refers to, and those that they do. */
  #referredTo(text: string): Record<string, object> {
    const found: Record<string, object> = {};
    const look = (of: string): void => {
      for (const [, name = ''] of of.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
        const schema = this.document.components.schemas[name];
        if (schema === undefined || name in found) continue;
        found[name] = schema;
        look(JSON.stringify(schema));
      }
    };
    look(text);
    return found;
  }

  operationAt(method: string, url: string): NamedOperation {
    const path = url.split('?')[0] ?? '';
    const found = this.operations.filter(
      (each) =>
        each.method === method &&
        new RegExp(`^${each.path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path),
    );
    const exact = found.find((each) => each.path === path) ?? found[0];
    if (!exact) throw new Error(`The document has no ${method} ${path}`);
    return exact;
  }

  /** @throws Error saying in which way the answer is not as documented */
  check(method: string, url: string, { status, text, headers }: ApiAnswer): void {
    const { operation } = this.operationAt(method, url);
    const what = `${method} ${url} answered ${status} ${text.slice(0, 500)}`;
    const declared = operation.responses[String(status)];
    if (!declared) throw new Error(`${what}: that status is not in the document`);
    if (!headers['x-request-id']) throw new Error(`${what}: without X-Request-Id`);
    this.seen.add(`${operation.operationId} ${status}`);
    if (!declared.content) {
      if (text !== '') throw new Error(`${what}: the document has no body for it`);
      return;
    }
    const [type = ''] = (headers['content-type'] ?? '').split(';');
    const media = declared.content[type];
    if (!media) throw new Error(`${what}: ${type} is not in the document`);
    const validate = this.compile(media.schema);
    if (!validate(type === 'application/json' ? JSON.parse(text) : text))
      throw new Error(`${what}: ${this.#ajv.errorsText(validate.errors)}`);
  }
}
