import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { freePort } from '@cryfold/testing';
import { PROGRAM } from './command.js';
import { type Manifest, pick, podTemplates, say } from './kube.js';

/**
 * The address of all simulated pods. It differs from 127.0.0.1, so that tests notice a service that only listens on
 * 127.0.0.1.
 */
const POD = process.platform === 'linux' ? '127.0.0.2' : '127.0.0.1';

/** Runs the pods of rendered manifests as processes on this machine, with their commands, environments and volumes. */
export class Pods {
  readonly #folder: string;
  readonly #manifests: Manifest[];
  readonly #secrets: Map<string, Record<string, string>>;
  /** Maps each `SERVICE:PORT` in the manifests to its address on this machine */
  readonly #addresses = new Map<string, string>();
  readonly #ports = new Map<string, Map<number, number>>();
  readonly #running: { name: string; log: string; process: ChildProcess }[] = [];

  private constructor(folder: string, manifests: Manifest[], secrets: Map<string, Record<string, string>>) {
    this.#folder = folder;
    this.#manifests = manifests;
    this.#secrets = secrets;
  }

  /**
   * @param programs programs in a pod's PATH, by name
   * @param secrets data of each Secret, by name
   */
  static async prepare(
    folder: string,
    manifests: Manifest[],
    programs: Record<string, string>,
    secrets: Map<string, Record<string, string>>,
  ): Promise<Pods> {
    const pods = new Pods(folder, manifests, secrets);
    await mkdir(join(folder, 'bin'), { recursive: true });
    for (const [name, path] of Object.entries(programs)) await symlink(path, join(folder, 'bin', name));
    for (const { kind, metadata, spec } of manifests) {
      if (kind !== 'Service') continue;
      for (const { port, targetPort } of spec.ports) {
        const target = await pods.port(metadata.name, targetPort);
        pods.#addresses.set(`${metadata.name}:${port}`, `127.0.0.1:${target}`);
      }
    }
    return pods;
  }

  #template(name: string): Manifest {
    const found = podTemplates(this.#manifests).find((one) => one.name === name);
    if (!found) throw new Error(`no pods of ${name}`);
    return found.template;
  }

  /** Returns the port on this machine that replaces a pod's port, given by name or number. */
  async port(pod: string, port: string | number): Promise<number> {
    const declared = this.#template(pod).spec.containers.flatMap((one: Manifest) => one.ports ?? []);
    const number = typeof port === 'number' ? port : declared.find((one: Manifest) => one.name === port)?.containerPort;
    if (!number) throw new Error(`${pod} has no port ${port}`);
    let ports = this.#ports.get(pod);
    if (!ports) {
      ports = new Map();
      this.#ports.set(pod, ports);
      for (const one of declared) ports.set(one.containerPort, await freePort());
    }
    return ports.get(number) ?? number;
  }

  /** Adapts a text from a pod's manifest to this machine by replacing folders, ports and addresses. */
  async #here(pod: string, text: string, mounts: Map<string, string>): Promise<string> {
    const own = new Map<string, string>();
    for (const one of this.#template(pod).spec.containers.flatMap((one: Manifest) => one.ports ?? [])) {
      own.set(String(one.containerPort), String(await this.port(pod, one.containerPort)));
    }
    const paths = [...mounts.keys()].sort((a, b) => b.length - a.length);
    const all = [...paths, ...this.#addresses.keys(), ...own.keys()];
    // Replace everything in one pass, so that replacements are not changed again.
    const pattern = new RegExp(`(?<![\\w.-])(${all.join('|')})(?![\\w-])`, 'g');
    return text.replaceAll(
      pattern,
      (found) => mounts.get(found) ?? this.#addresses.get(found) ?? own.get(found) ?? found,
    );
  }

  async #mount(pod: string, template: Manifest, container: Manifest): Promise<Map<string, string>> {
    const mounts = new Map<string, string>();
    for (const { name, mountPath } of container.volumeMounts) {
      mounts.set(mountPath, join(this.#folder, 'pods', pod, mountPath));
      await mkdir(join(this.#folder, 'pods', pod, mountPath), { recursive: true });
      const volume = template.spec.volumes.find((one: Manifest) => one.name === name);
      if (!volume) throw new Error(`${pod} mounts ${name}, but has no such volume`);
    }
    for (const { name, mountPath } of container.volumeMounts) {
      const volume = template.spec.volumes.find((one: Manifest) => one.name === name);
      const files: [string, string][] = [];
      if (volume.configMap)
        files.push(...Object.entries<string>(pick(this.#manifests, 'ConfigMap', volume.configMap.name).data));
      for (const { key, path } of volume.secret?.items ?? []) {
        const text = this.#secrets.get(volume.secret.secretName)?.[key];
        if (text === undefined) throw new Error(`${pod}: Secret ${volume.secret.secretName} has no key ${key}`);
        files.push([path, text]);
      }
      for (const [path, text] of files) {
        const file = join(this.#folder, 'pods', pod, mountPath, path);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, volume.configMap ? await this.#here(pod, text, mounts) : text);
      }
    }
    return mounts;
  }

  /** Returns the environment of a pod's process. */
  async environment(pod: string): Promise<Record<string, string>> {
    const template = this.#template(pod);
    const [container] = template.spec.containers;
    const mounts = await this.#mount(pod, template, container);
    const env: Record<string, string> = {};
    for (const { configMapRef } of container.envFrom ?? []) {
      Object.assign(env, pick(this.#manifests, 'ConfigMap', configMapRef.name).data);
    }
    for (const { name, value } of container.env ?? []) env[name] = value;
    for (const [name, value] of Object.entries(env)) env[name] = await this.#here(pod, value, mounts);
    env.PATH = `${join(this.#folder, 'bin')}:${process.env.PATH}`;
    env.HOME = join(this.#folder, 'pods', pod);
    return env;
  }

  /** Starts the container of a pod. Read its log with log(). */
  async start(pod: string): Promise<ChildProcess> {
    const template = this.#template(pod);
    const [container] = template.spec.containers;
    const env = await this.environment(pod);
    const mounts = await this.#mount(pod, template, container);
    const [program, ...rest] = await Promise.all(
      [...container.command, ...(container.args ?? [])].map((text: string) => this.#here(pod, text, mounts)),
    );
    const [file, args] = program === 'cryfold' ? [process.execPath, [PROGRAM, ...rest]] : [program, rest];
    const log = join(this.#folder, `${pod}.log`);
    const out = openSync(log, 'a');
    const child = spawn(file, args, { env, stdio: ['ignore', out, out], cwd: join(this.#folder, 'pods', pod) });
    closeSync(out);
    child.on('error', () => {});
    this.#running.push({ name: pod, log, process: child });
    return child;
  }

  log(pod: string): Promise<string> {
    return readFile(join(this.#folder, `${pod}.log`), 'utf8').catch(() => '');
  }

  /** Runs a probe like the kubelet. @returns the problem, or '' if the probe succeeds */
  async probe(pod: string, kind: 'startupProbe' | 'livenessProbe' | 'readinessProbe'): Promise<string> {
    const [container] = this.#template(pod).spec.containers;
    const probe = container[kind];
    if (!probe) return `no ${kind}`;
    if (probe.httpGet) {
      const port = await this.port(pod, probe.httpGet.port);
      try {
        const { status } = await fetch(`http://${POD}:${port}${probe.httpGet.path}`);
        return status >= 200 && status < 400 ? '' : `${probe.httpGet.path}: ${status}`;
      } catch (error) {
        return `${probe.httpGet.path}: ${(error as Error).message}`;
      }
    }
    if (probe.tcpSocket) return this.#reach(pod, probe.tcpSocket.port);
    const env = await this.environment(pod);
    const [file, ...args] = await Promise.all(
      probe.exec.command.map((text: string) => this.#here(pod, text, new Map())),
    );
    const { code, stdout, stderr } = await say(file, args, '', env);
    return code === 0 ? '' : `exit code ${code}: ${stdout}${stderr}`;
  }

  async #reach(pod: string, name: string | number): Promise<string> {
    const port = await this.port(pod, name);
    return new Promise((resolve) => {
      const socket = connect(port, POD, () => {
        socket.destroy();
        resolve('');
      });
      socket.once('error', (error) => resolve(`port ${name}: ${error.message}`));
    });
  }

  /** Connects to each port that a pod's manifest declares. @returns the problems, or '' if all connections succeed */
  async unreachable(pod: string): Promise<string> {
    const ports = this.#template(pod).spec.containers.flatMap((one: Manifest) => one.ports ?? []);
    const said = await Promise.all(ports.map(({ containerPort }: Manifest) => this.#reach(pod, containerPort)));
    return said.filter(Boolean).join(', ');
  }

  /** Returns the peak memory of each running pod's process in MiB, by pod name. */
  memory(): Record<string, number> {
    return Object.fromEntries(
      this.#running.flatMap(({ name, process: { pid, exitCode } }) => {
        if (!pid || exitCode !== null) return [];
        const [, kib] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
        return [[name, Math.round(Number(kib) / 1024)]];
      }),
    );
  }

  /** Kills all pods, starting with the one that was started last. */
  async stop(): Promise<void> {
    for (const { process: child } of this.#running.reverse()) await endOf(child, 'SIGKILL');
  }
}

/** Sends a signal, and waits for the exit code. */
export async function endOf(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.kill(signal);
  return ended;
}
