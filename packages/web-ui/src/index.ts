import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { HTML } from './html.js';
import { STYLE } from './style.js';

const SCRIPTS = fileURLToPath(new URL('./page/', import.meta.url));

export interface Asset {
  /** Path relative to the address of the page */
  path: string;
  type: string;
  text: string;
}

/**
 * The files of the live page: `/` and everything that it loads. The scripts are the compiled modules of this package.
 */
export async function dashboardAssets(): Promise<Asset[]> {
  const names = (await readdir(SCRIPTS)).filter((name) => name.endsWith('.js'));
  const scripts = names.map(async (name) => {
    // Source maps are removed to keep the page small.
    const text = (await readFile(`${SCRIPTS}/${name}`, 'utf8')).replace(/^\/\/# sourceMappingURL=.*$/m, '');
    return { path: `/page/${name}`, type: 'text/javascript; charset=utf-8', text };
  });
  return [
    { path: '/', type: 'text/html; charset=utf-8', text: HTML },
    { path: '/page/style.css', type: 'text/css; charset=utf-8', text: STYLE },
    ...(await Promise.all(scripts)),
  ];
}
