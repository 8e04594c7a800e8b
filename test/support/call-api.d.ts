/** An answer of the API. `json` parses the body and throws when it is not JSON. */
export interface ApiAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  readonly json: unknown;
}
/** Calls `method path` on `baseUrl`; a string or Buffer body goes out as it is, anything else as JSON. */
export declare function callApi(
  baseUrl: string,
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
): Promise<ApiAnswer>;
