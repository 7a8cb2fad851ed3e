import { CryfoldError } from '@cryfold/core';
import type { SchedulingChange, Spec } from '@cryfold/plan';
import { RUN_ID } from '@cryfold/store';
import { z } from 'zod';
import type { HttpClient } from './http-client.js';
import { type FoldLog, foldLogSchema } from './logs.js';
import type { RunControl } from './run-control.js';
import { type ClusterStatus, clusterStatusSchema, type RunStatus, runStatusSchema } from './status.js';

/** Controls runs through a server's API, without access to Redis or credentials for the store. */
export class HttpControl implements RunControl {
  constructor(private readonly client: HttpClient) {}

  list(): Promise<RunStatus[]> {
    return this.client.json('runs', z.array(runStatusSchema));
  }

  cluster(): Promise<ClusterStatus> {
    return this.client.json('cluster', clusterStatusSchema);
  }

  async status(run: string): Promise<RunStatus> {
    return this.client.json(pathOf(run), runStatusSchema);
  }

  async cancel(run: string): Promise<RunStatus> {
    return this.client.json(`${pathOf(run)}/cancel`, runStatusSchema, { method: 'POST', json: {} });
  }

  async schedule(run: string, change: SchedulingChange): Promise<RunStatus> {
    return this.client.json(`${pathOf(run)}/scheduling`, runStatusSchema, { method: 'POST', json: change });
  }

  async retry(run: string): Promise<RunStatus> {
    return this.client.json(`${pathOf(run)}/retry`, runStatusSchema, { method: 'POST', json: {} });
  }

  async extend(run: string, repeats: number): Promise<RunStatus> {
    return this.client.json(`${pathOf(run)}/extend`, runStatusSchema, { method: 'POST', json: { repeats } });
  }

  submit(spec: Spec, dataset: string): Promise<RunStatus> {
    return this.client.json('runs', runStatusSchema, { method: 'POST', json: { spec, dataset } });
  }

  submitChampion(name: string, version: string, challenger: string): Promise<RunStatus> {
    const path = `models/${encodeURIComponent(name)}/champion-runs`;
    return this.client.json(path, runStatusSchema, { method: 'POST', json: { version, challenger } });
  }

  async logs(run: string, fold?: string): Promise<FoldLog[]> {
    return this.client.json(`${pathOf(run)}/logs`, z.array(foldLogSchema), { query: { fold } });
  }

  /** The HTML report of a finished run, as the server generates it. */
  async report(run: string): Promise<Uint8Array> {
    const response = await this.client.send(`${pathOf(run)}/report.html`);
    return new Uint8Array(await response.arrayBuffer());
  }
}

/** @throws CryfoldError RUN_NOT_FOUND for names that would change the path of the URL */
function pathOf(run: string): string {
  if (RUN_ID.test(run)) return `runs/${run}`;
  throw new CryfoldError('RUN_NOT_FOUND', `there is no run ${JSON.stringify(run)}`, {
    context: { run },
    hint: 'To list all runs, use: cryfold list',
  });
}
