export interface Instruction {
  instruction: string;
  value: string;
}

export interface Stage {
  name: string;
  /** What the stage is based on: another stage or an image */
  from: string;
  /** The instructions in order */
  instructions: Instruction[];
}

/** The stages of a Dockerfile. Anything before the first FROM is left out. */
export function parseDockerfile(text: string): Stage[] {
  const joined = text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\s*\\\n\s*/g, ' ');
  const stages: Stage[] = [];
  for (const line of joined.split('\n')) {
    const match = /^([A-Z]+)\s+(.*)$/.exec(line.trim());
    if (!match) continue;
    const [, instruction, value] = match;
    if (instruction === 'FROM') {
      const [, from, name] = /^(\S+)(?:\s+AS\s+(\S+))?$/i.exec(value) ?? [];
      stages.push({ name, from, instructions: [] });
    } else stages.at(-1)?.instructions.push({ instruction, value });
  }
  return stages;
}

/** Parses `A=b C="d e"` or `A`, the forms of ENV, ARG and LABEL. */
export function parsePairs(value: string): [name: string, text: string | undefined][] {
  const pairs = value.matchAll(/([\w.]+)(?:=("(?:[^"\\]|\\.)*"|\S*))?/g);
  return [...pairs].map(([, name, text]) => [name, text === undefined ? undefined : text.replace(/^"(.*)"$/, '$1')]);
}

/** The arguments of an instruction, in JSON or shell form. */
export function parseCommand(value: string): string[] {
  return value.startsWith('[') ? (JSON.parse(value) as string[]) : ['/bin/sh', '-c', value];
}

/** The instructions of a stage, preceded by the instructions of the stages on which it is based. */
export function effective(stages: readonly Stage[], name: string): Instruction[] {
  const stage = stages.find((one) => one.name === name);
  if (!stage) return [];
  return [...effective(stages, stage.from), ...stage.instructions];
}

/** The value of the last instruction of the given kind. @throws Error if it is missing */
export function lastOf(stages: readonly Stage[], name: string, instruction: string): string {
  const found = effective(stages, name).findLast((one) => one.instruction === instruction);
  if (!found) throw new Error(`${name}: the Dockerfile has no ${instruction}`);
  return found.value;
}
