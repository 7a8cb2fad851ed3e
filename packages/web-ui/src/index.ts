import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { HTML } from './html.js';
import { STYLE } from './style.js';

const SCRIPTS = fileURLToPath(new URL('./page/', import.meta.url));

export interface Asset {
  /** Below the page's own address */
  path: string;
  type: string;
  text: string;
}

/** The live page's files: `/` and what it loads. The scripts are this package's own modules as the compiler wrote them. */
export async function dashboardAssets(): Promise<Asset[]> {
  const names = (await readdir(SCRIPTS)).filter((name) => name.endsWith('.js'));
  const scripts = names.map(async (name) => {
    // Maps stay behind: the page is to be small.
    const text = (await readFile(`${SCRIPTS}/${name}`, 'utf8')).replace(/^\/\/# sourceMappingURL=.*$/m, '');
    return { path: `/page/${name}`, type: 'text/javascript; charset=utf-8', text };
  });
  return [
    { path: '/', type: 'text/html; charset=utf-8', text: HTML },
    { path: '/page/style.css', type: 'text/css; charset=utf-8', text: STYLE },
    ...(await Promise.all(scripts)),
  ];
}
