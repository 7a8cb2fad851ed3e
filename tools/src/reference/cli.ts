import { commandTree, EXIT } from 'cryfold/command-line';
import { cell, code, table } from './page.js';

type Command = ReturnType<typeof commandTree>;
type Option = Command['options'][number];

type Exit = keyof typeof EXIT;
const EXITS: Record<Exit, string> = {
  done: 'done; `compare`: better; `retrain`: promoted',
  failed: 'failed',
  usage: 'usage: nothing was started, and the same command fails again',
  incomplete: 'incomplete: some folds failed',
  cancelled: 'cancelled',
  same: '`compare`: no difference shown',
  worse: '`compare`: worse',
  unchanged: '`retrain`: neither data nor spec changed',
  refused: '`retrain`: refused, since the new model is not better',
  lost: '`retrain`, `models promote`: lost to another promotion',
  input: 'bad input (spec, data, weights): the same command fails again',
};

const HEAD = `# Command line

Written by \`tools/cli-doc\` from the commands themselves; a test compares it with them. \`cryfold COMMAND --help\` prints
the same text. Environment variables: [environment.md](environment.md). Error codes: [errors.md](errors.md).

## Exit codes

${table(
  ['code', 'meaning'],
  Object.entries(EXITS).map(([name, meaning]) => [String(EXIT[name as Exit]), meaning]),
)}

If the program that reads the output closes it, the exit code is 141.
`;

/** The command whose options other commands also have */
const SHARED = 'run';

/** docs/cli.md: every command with its arguments and options. */
export function cliReference(): string {
  const program = commandTree();
  const globals = `## Options of every command\n\n${optionTable(program.options)}\n`;
  const shared = program.commands.find((command) => command.name() === SHARED)?.options ?? [];
  return [HEAD, globals, ...program.commands.flatMap((command) => sectionsOf(command, [], shared))].join('\n');
}

function sectionsOf(command: Command, above: readonly string[], shared: readonly Option[]): string[] {
  const path = [...above, command.name()];
  const title = `## ${path.join(' ')}\n`;
  if (command.commands.length > 0) return command.commands.flatMap((below) => sectionsOf(below, path, shared));
  const args = command.registeredArguments.map((one) => {
    const named = `${one.name()}${one.variadic ? '...' : ''}`;
    return one.required ? `<${named}>` : `[${named}]`;
  });
  const usage = ['cryfold', ...path, ...(command.options.length > 0 ? ['[options]'] : []), ...args].join(' ');
  const argumentRows = command.registeredArguments.map((one) => [
    code(one.name()),
    meaning(one.description, one.defaultValue),
  ]);
  const missing = shared.filter((option) => !command.options.includes(option));
  const takesShared = command.name() !== SHARED && missing.length < 2;
  const except = missing.map(({ long }) => `, except ${code(long ?? '')}`).join('');
  const own = takesShared ? command.options.filter((option) => !shared.includes(option)) : command.options;
  return [
    title,
    `${cell(command.description())}\n`,
    `\`\`\`text\n${usage}\n\`\`\`\n`,
    ...(takesShared ? [`Also accepts the options of [${SHARED}](#${SHARED})${except}.\n`] : []),
    ...[table(['argument', 'meaning'], argumentRows), optionTable(own)].flatMap((rows) =>
      rows === '' ? [] : [`${rows}\n`],
    ),
  ];
}

function optionTable(options: readonly Option[]): string {
  const rows = options
    .filter(({ hidden }) => !hidden)
    .map((option) => {
      const required = option.mandatory ? ' (required)' : '';
      const choices = option.argChoices ? ` (one of ${option.argChoices.map(code).join(', ')})` : '';
      return [code(option.flags), `${meaning(option.description, option.defaultValue)}${choices}${required}`];
    });
  return table(['option', 'meaning'], rows);
}

function meaning(description: string, value: unknown): string {
  const shown = value === undefined || value === false ? '' : ` (default: ${code(text(value))})`;
  return `${cell(description)}${shown}`;
}

const text = (value: unknown): string => (Array.isArray(value) ? value.join(',') : String(value));
