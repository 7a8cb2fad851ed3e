import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findTool, freePort } from '@cryfold/testing';
import { ROOT, until } from './command.js';

export interface Rule {
  name: string;
  query: string;
  health: string;
  lastError?: string;
  state: string;
  annotations: Record<string, string>;
}

export interface Series {
  metric: Record<string, string>;
  values: [number, string][];
}

/** Milliseconds between two scrapes of a target. */
const SCRAPE_MS = 500;

/** A real Prometheus server that scrapes the given addresses every half second. */
export class Prometheus {
  readonly url: string;
  readonly #process: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#process = child;
  }

  /** @returns undefined if Prometheus is not installed */
  static async start(folder: string, targets: readonly string[]): Promise<Prometheus | undefined> {
    const program = await findTool('prometheus');
    if (!program) return undefined;
    const config = join(folder, 'prometheus.yml');
    await writeFile(
      config,
      `global: { scrape_interval: ${SCRAPE_MS}ms, evaluation_interval: 1s }
rule_files: [${join(ROOT, 'infra', 'prometheus', 'alerts.yml')}]
scrape_configs:
  - job_name: cryfold
    static_configs: [{ targets: ${JSON.stringify(targets)} }]
`,
    );
    const address = `127.0.0.1:${await freePort()}`;
    const flags = {
      'config.file': config,
      'storage.tsdb.path': join(folder, 'prometheus'),
      'web.listen-address': address,
      'log.level': 'error',
    };
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    const url = `http://${address}`;
    await until('Prometheus to be ready', async () => {
      return (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok;
    });
    return new Prometheus(url, child);
  }

  /** Evaluates an expression between two times, in steps of 0.25 s. @throws Error if the expression is invalid */
  async range(expression: string, from: Date, to: Date): Promise<Series[]> {
    const body = new URLSearchParams({
      query: expression,
      start: String(from.getTime() / 1000),
      end: String(to.getTime() / 1000),
      step: '0.25',
    });
    const response = await fetch(`${this.url}/api/v1/query_range`, { method: 'POST', body });
    const answer = (await response.json()) as { error?: string; data: { result: Series[] } };
    if (answer.error) throw new Error(`${expression}: ${answer.error}`);
    return answer.data.result;
  }

  /** Waits until every target has been scraped twice more, since a rate needs two samples after the last change. */
  async scrapedTwice(): Promise<void> {
    const first = Date.now() + SCRAPE_MS;
    await until('two more scrapes of every target', async () => {
      const response = await fetch(`${this.url}/api/v1/targets?state=active`);
      const { data } = (await response.json()) as { data: { activeTargets: { lastScrape: string }[] } };
      return data.activeTargets.every(({ lastScrape }) => Date.parse(lastScrape) > first);
    });
  }

  /** Returns the alert rules with the state of their last evaluation. */
  async rules(): Promise<Rule[]> {
    const response = await fetch(`${this.url}/api/v1/rules?type=alert`);
    const { data } = (await response.json()) as { data: { groups: { rules: Rule[] }[] } };
    return data.groups.flatMap(({ rules }) => rules);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGTERM');
    await ended;
  }
}

/**
 * Returns the selectors in an expression, without ranges. Each selector must match some series, even if the whole
 * expression has an empty result.
 */
export function selectors(expression: string): string[] {
  return [...expression.matchAll(/\b((?:cryfold|process|nodejs)_\w+)(\{[^}]*\})?/g)].map(
    ([, name, labels = '']) => name + labels,
  );
}
