import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTool } from '@cryfold/testing';
import { type Browser, chromium } from 'playwright-core';

/** Why a test is skipped if `findBrowser` returns undefined. */
export const NO_BROWSER = 'needs chromium on PATH (apt-get install chromium)';

/** Returns the path of Chromium or Chrome; undefined if neither is installed. */
export const findBrowser = async (): Promise<string | undefined> =>
  (await findTool('chromium')) ?? (await findTool('google-chrome'));

/** Starts a browser that leaves no files behind. @param executablePath from `findBrowser` */
export async function launchBrowser(executablePath: string, flags: readonly string[] = []): Promise<Browser> {
  // Without this variable, PulseAudio creates a folder when the user first uses it, and that folder outlives the
  // browser.
  const sound = await mkdtemp(join(tmpdir(), 'cryfold-sound-'));
  // Chromium's sandbox refuses to start as root. The pages are our own, so they can run without the sandbox.
  const args = [...flags, ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])];
  const browser = await chromium.launch({ executablePath, args, env: { ...process.env, PULSE_RUNTIME_PATH: sound } });
  browser.once('disconnected', () => rmSync(sound, { recursive: true, force: true }));
  return browser;
}
