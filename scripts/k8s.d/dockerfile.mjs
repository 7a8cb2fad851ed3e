// Reads a Dockerfile: what scripts/check-images runs and the tests look at.

/** @returns stages, each with its name, what it is made from, and its instructions, in their order */
export function parseDockerfile(text) {
  const joined = text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\\\n\s*/g, ' ');
  const globals = [];
  const stages = [];
  for (const line of joined.split('\n')) {
    const match = /^([A-Z]+)\s+(.*)$/.exec(line.trim());
    if (!match) continue;
    const [, instruction, value] = match;
    if (instruction === 'FROM') {
      const [, from, name] = /^(\S+)(?:\s+AS\s+(\S+))?$/i.exec(value);
      stages.push({ name, from, instructions: [] });
    } else if (stages.length === 0) globals.push({ instruction, value });
    else stages.at(-1).instructions.push({ instruction, value });
  }
  return { globals, stages };
}

/** `A=b C="d e"` or `A`, as ENV, ARG and LABEL write them. */
export function parsePairs(value) {
  const pairs = value.matchAll(/([\w.]+)(?:=("(?:[^"\\]|\\.)*"|\S*))?/g);
  return [...pairs].map(([, name, text]) => [name, text === undefined ? undefined : text.replace(/^"(.*)"$/, '$1')]);
}

/** An instruction's arguments, in JSON or in shell form. */
export function parseCommand(value) {
  return value.startsWith('[') ? JSON.parse(value) : ['/bin/sh', '-c', value];
}

/** What one stage holds in the end, those that it is made from included. */
export function effective(stages, name) {
  const stage = stages.find((one) => one.name === name);
  if (!stage) return [];
  return [...effective(stages, stage.from), ...stage.instructions];
}
