/** `environment/name`, the form of a secret's name. */
export const secretNamePattern = /^[a-z0-9][a-z0-9-]*\/[a-z0-9][a-z0-9._-]*$/;
/** The form of an agent's and of a policy's name. */
export const plainNamePattern = /^[a-z0-9][a-z0-9._-]*$/;
export const maxNameLength = 128;

/** True when `name` is a well-formed secret name (`prod/openai`), at most 128 characters. */
export function isSecretName(name: string): boolean {
  return name.length <= maxNameLength && secretNamePattern.test(name);
}

/** True when `name` is a well-formed agent or policy name, at most 128 characters. */
export function isPlainName(name: string): boolean {
  return name.length <= maxNameLength && plainNamePattern.test(name);
}

/** The environment of a secret: the first segment of its name. */
export function environmentOf(secretName: string): string {
  return secretName.slice(0, secretName.indexOf('/'));
}
