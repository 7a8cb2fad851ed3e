import { groupsKnown, groupsText, type RunResults, unitWord } from '@cryfold/evaluation';
import { percent } from '../text.js';
import { html, type Markup } from './markup.js';
import { facts, textTable } from './tables.js';

/** Summary of the data: clips and groups by class. */
export function dataCard({ dataset, protocol, baselines }: RunResults): Markup {
  const { perClass, clips, groups } = dataset;
  const word = unitWord(dataset);
  const known = groupsKnown(dataset);
  return html`${facts([
    ['name', dataset.name],
    ['clips', clips],
    ['groups', groupsText(dataset)],
    ['majority class', `${baselines.majority.label}, ${percent(baselines.majority.share)} % of clips`],
    ['protocol', `${protocol.splitter}, ${protocol.repeats} x ${protocol.folds} folds, seed ${protocol.seed}`],
    [`${word}s in train and test`, `${protocol.groupsSpanning} of ${groups}`],
    ['content hash', dataset.contentHash],
  ])}
${textTable(`Clips and ${word}s by class`, [
  ['class', 'clips', '% of clips', `${word}s`],
  ...perClass.map((one) => [one.label, `${one.clips}`, percent(one.clips / clips), `${one.groups}`]),
])}
<p class="small">A ${word} may occur in several classes. Intervals and p-values treat these ${word}s as a sample of similar ones. They do not cover other ${known ? '' : 'sources, '}rooms, microphones or kinds of recordings.</p>`;
}

/** The versions, the keys and the spec of the run. */
export function provenance({ environment, spec, run }: RunResults, hashes: Readonly<Record<string, string>>): Markup {
  return html`<h3>Keys</h3>
${facts([['run', run.id], ...Object.entries(hashes)])}
<h3>Versions and processors, by estimator</h3>
${facts(Object.entries(environment).map(([name, value]) => [name, String(value)] as const))}
<details><summary>Spec of this run</summary>
<pre tabindex="0" role="region" aria-label="Spec">${JSON.stringify(spec, null, 2)}</pre></details>`;
}
