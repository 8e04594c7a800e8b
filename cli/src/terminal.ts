import { styleText } from 'node:util';

/** Where a command writes. stdout carries what was asked for, stderr everything said about it. */
export interface Terminal {
  /** One line on stdout. */
  print(line: string): void;
  /** Text on stdout as it is, without a line end. */
  write(text: string): void;
  /** One line on stderr. */
  notice(line: string): void;
  /** Colours `text` for stdout when a person is reading it there. */
  paint(colour: 'green' | 'red' | 'yellow' | 'dim' | 'bold', text: string): string;
}

/** The real terminal of this process; without colour when NO_COLOR is set or stdout is not a terminal. */
export function openTerminal(options: { isColorRefused: boolean }): Terminal {
  const isColoured = process.stdout.isTTY && !options.isColorRefused;
  // A reader that goes away (`| head`) is no fault of the command.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
  return {
    print: (line) => void process.stdout.write(`${line}\n`),
    write: (text) => void process.stdout.write(text),
    notice: (line) => void process.stderr.write(`${line}\n`),
    paint: (colour, text) => (isColoured ? styleText(colour, text) : text),
  };
}

/**
 * Makes text from outside (hosts and paths that an agent chose, an answer's message) safe to print: control and bidirectional
 * formatting characters, which a terminal would obey, become `\u{…}`.
 */
export function printable(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`,
  );
}
