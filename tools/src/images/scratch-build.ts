import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { ROOT } from '../paths.js';
import { type Instruction, parsePairs, type Stage } from './dockerfile.js';

/** Environment variables that a build may need to reach registries. */
const PASSED = [
  'npm_config_registry',
  'PIP_INDEX_URL',
  'HTTPS_PROXY',
  'https_proxy',
  'NO_PROXY',
  'no_proxy',
  'PIP_CERT',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
];

type Environment = Record<string, string | undefined>;

/** A stage while its instructions are executed. */
interface Site {
  name: string;
  env: Environment;
  /** Name in the Dockerfile */
  cwd: string;
}

/** Executes the stages of a Dockerfile without a container engine, each stage in its own folder of `scratch`. */
export class ScratchBuild {
  /** Steps that need an engine or root, as `STAGE: COMMAND` */
  readonly skipped: string[] = [];
  readonly #sites = new Map<string, Site>();

  /** @param variant variant of TensorFlow: cpu or cuda */
  constructor(
    readonly stages: readonly Stage[],
    readonly scratch: string,
    readonly variant: string,
  ) {}

  /** Returns the location in the scratch folder of an absolute path of a stage. */
  place(stage: string, path: string): string {
    return join(this.scratch, stage, path);
  }

  /** The environment of a stage that was built. */
  environment(stage: string): Environment {
    return this.#sites.get(stage)?.env ?? {};
  }

  /** @throws Error if a step fails */
  build(name: string): void {
    if (this.#sites.has(name)) return;
    const stage = this.stages.find((one) => one.name === name);
    if (!stage) throw new Error(`the Dockerfile has no stage ${name}`);
    const site = this.#begin(stage);
    this.#sites.set(name, site);
    for (const step of stage.instructions) this.#follow(site, step);
  }

  #begin({ name, from }: Stage): Site {
    mkdirSync(join(this.scratch, name), { recursive: true });
    if (!this.stages.some((one) => one.name === from)) {
      const node = this.place(name, '/usr/local/bin/node');
      mkdirSync(dirname(node), { recursive: true });
      cpSync(process.execPath, node);
      // Use the PATH of this machine, where node may be in /usr/local/bin.
      const env: Environment = { PATH: process.env.PATH, HOME: process.env.HOME, LANG: 'C.UTF-8' };
      for (const variable of PASSED) {
        if (process.env[variable] !== undefined) env[variable] = process.env[variable];
      }
      return { name, env, cwd: '/' };
    }
    this.build(from);
    // Creates hard links instead of copies. This is safe because steps replace files instead of writing to them.
    execFileSync('cp', ['-al', `${join(this.scratch, from)}/.`, join(this.scratch, name)]);
    const parent = this.#sites.get(from)!;
    return { name, env: { ...parent.env }, cwd: parent.cwd };
  }

  #follow(site: Site, { instruction, value }: Instruction): void {
    const { name, env } = site;
    if (instruction === 'WORKDIR') {
      site.cwd = value;
      mkdirSync(this.place(name, value), { recursive: true });
    } else if (instruction === 'ENV' || instruction === 'ARG') {
      for (const [key, text] of parsePairs(value)) env[key] = this.#mapped(name, text ?? '');
      if (env.TENSORFLOW_VARIANT) env.TENSORFLOW_VARIANT = this.variant;
    } else if (instruction === 'COPY') this.#copy(site, value);
    else if (instruction === 'RUN') this.#run(site, value);
  }

  /** Copies from another stage or from the context; only supports equal source and target paths. */
  #copy({ name, cwd }: Site, value: string): void {
    const [, stage, source, path] = /^(?:--from=(\S+) )?(\S+) (\S+)$/.exec(value) ?? [];
    if (stage === undefined) {
      for (const file of contextFiles().filter((one) => source === '.' || `${one}/`.startsWith(`${source}/`))) {
        cpSync(join(ROOT, file), join(this.place(name, cwd), file), { recursive: true });
      }
      return;
    }
    this.build(stage);
    const from = this.place(stage, source);
    const target = this.place(name, isAbsolute(path) ? path : join(cwd, path));
    mkdirSync(dirname(target), { recursive: true });
    // As in a container engine, copies the content of a folder into the target folder, but as hard links.
    execFileSync('cp', ['-alT', '--remove-destination', from, target]);
  }

  #run({ name, env, cwd }: Site, value: string): void {
    if (/^(apt-get|groupadd)\b/.test(value)) {
      this.skipped.push(`${name}: ${value}`);
      return;
    }
    const owned = value.replace(/ && chown .*$/, '');
    if (owned !== value) this.skipped.push(`${name}: ${value.slice(owned.length + 4)}`);
    console.log(`check-images: ${name}: ${owned}`);
    const started = Date.now();
    const { status } = spawnSync('/bin/bash', ['-o', 'pipefail', '-c', this.#mapped(name, owned)], {
      cwd: this.place(name, cwd),
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (status !== 0) throw new Error(`${name}: RUN ${value}: exit code ${status}`);
    console.log(`check-images:   ${((Date.now() - started) / 1000).toFixed(1)} s`);
  }

  /** Replaces absolute paths in a text by paths in the stage's folder. */
  #mapped(stage: string, text: string): string {
    return text.replaceAll(/(?<![\w./-])\/(var\/cache\/cryfold|usr\/local\/bin|opt\/cryfold|app)(?![\w-])/g, (path) =>
      this.place(stage, path),
    );
  }
}

/** The files of the working tree that .dockerignore does not exclude. */
function contextFiles(): string[] {
  const lines = readFileSync(join(ROOT, 'infra', 'Dockerfile.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line && !line.startsWith('#'));
  const allowed = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return listed
    .split('\0')
    .filter(
      (file) => allowed.some((one) => file === one || file.startsWith(`${one}/`)) && existsSync(join(ROOT, file)),
    );
}
