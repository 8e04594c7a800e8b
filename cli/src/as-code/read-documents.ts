import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type ParsedNode,
  parseAllDocuments,
} from 'yaml';
import { CliError } from '../cli-error.ts';
import { printable } from '../terminal.ts';
import type { SourceFile } from './find-files.ts';

/** One YAML document, and where each of its parts stands. */
export interface SourceDocument {
  readonly path: string;
  readonly content: unknown;
  /** `path:line:column` of a part, or of what is nearest above it where that is not there. */
  place(part: readonly (string | number)[]): string;
}

/** As often may aliases repeat what anchors name: more is a bomb. */
const maxAliasCount = 100;

/**
 * Parses the YAML 1.2 documents of a file. Those that are empty are left out. A message has file, line and column and never
 * quotes the file, which may hold a value by mistake. @throws CliError
 */
export function readDocuments({ path, text }: SourceFile): SourceDocument[] {
  const lines = new LineCounter();
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${printable(path)}:${line}:${col}`;
  };
  const documents = parse(text, path, lines);
  return documents.flatMap((document) => {
    const [fault] = [...document.errors, ...document.warnings];
    if (fault) throw new CliError(`${at(fault.pos[0])}: ${withoutQuotes(fault.message)}`);
    const content = plainContent(document, path);
    if (content === null || content === undefined) return [];
    return [{ path, content, place: (part) => at(offsetOf(document, part)) }];
  });
}

function parse(text: string, path: string, lineCounter: LineCounter): Document.Parsed[] {
  try {
    const parsed = parseAllDocuments(text, { lineCounter, prettyErrors: false, uniqueKeys: true, merge: false });
    return Array.isArray(parsed) ? parsed : [];
  } catch (cause) {
    throw new CliError(`${printable(path)} is nested too deeply to be read`, { cause });
  }
}

/** The content as JSON has it. Keys are texts; an anchor that is repeated too often, or within itself, is refused. */
function plainContent(document: Document.Parsed, path: string): unknown {
  try {
    const content: unknown = document.toJS({ maxAliasCount });
    return content === undefined ? undefined : (JSON.parse(JSON.stringify(content), withoutPrototype) as unknown);
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError(`${printable(path)} repeats anchors too often, or within themselves`, { cause });
  }
}

/** No object of ours has such a field, and to copy one is to be altered by it. */
function withoutPrototype(key: string, value: unknown): unknown {
  if (key === '__proto__') throw new CliError('__proto__ is not a known field');
  return value;
}

/** The head of a message, ahead of what it quotes. */
function withoutQuotes(message: string): string {
  return (message.split(/[:"'`\n]|\b(?:at|near) /)[0] ?? '').trim() || 'this is not YAML';
}

function offsetOf(document: Document.Parsed, part: readonly (string | number)[]): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const key of part) {
    const below = childOf(resolved(node, document), key);
    if (below === undefined) break;
    offset = startOf(below.value) ?? startOf(below.key) ?? offset;
    node = below.value;
  }
  return offset;
}

function childOf(node: unknown, key: string | number): { key?: unknown; value: unknown } | undefined {
  if (isSeq(node) && typeof key === 'number') return { value: node.items[key] };
  if (!isMap(node)) return undefined;
  return node.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(key));
}

function resolved(node: unknown, document: Document.Parsed): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? (node as ParsedNode).range?.[0] : undefined;
}
