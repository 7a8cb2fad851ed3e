import { readFileSync } from 'node:fs';

/** Cases of a file that scripts/goldens/svm.py wrote. Compiled tests run from dist/test. */
export function goldens<T>(name: string): T[] {
  const url = new URL(`../../test/goldens/${name}`, import.meta.url);
  return (JSON.parse(readFileSync(url, 'utf8')) as { cases: T[] }).cases;
}
