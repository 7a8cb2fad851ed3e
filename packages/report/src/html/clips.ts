import { type ClipOutcome, type Errors, type GroupOutcome, type RunResults, unitWord } from '@cryfold/evaluation';
import { plainName } from '../names.js';
import { percent } from '../text.js';
import { html, type Markup } from './markup.js';
import { encodePng } from './png.js';
import { heatTable } from './tables.js';

/** Maximum number of groups in the table. */
const GROUPS_SHOWN = 40;

export interface HardClip {
  outcome: ClipOutcome;
  /** height x width x 3 */
  image?: { pixels: Uint8Array; width: number; height: number };
  /** Content of a WAV file */
  audio?: Uint8Array;
}

const share = ({ wrong, predictions }: Errors) => (predictions === 0 ? 0 : wrong / predictions);

/** The groups with the most errors, and for each model the percentage of wrong test predictions. */
export function groupTable(groups: readonly GroupOutcome[], results: RunResults): Markup {
  const names = results.models.map(({ name }) => name);
  const word = unitWord(results.dataset);
  const worst = [...groups].sort((a, b) => share(b) - share(a) || b.clips - a.clips);
  const always = worst.filter((group) => group.wrong === group.predictions);
  const never = worst.filter((group) => group.wrong === 0);
  const shown = worst.filter((group) => group.wrong > 0).slice(0, GROUPS_SHOWN);
  const clips = (some: readonly GroupOutcome[]) => some.reduce((sum, group) => sum + group.clips, 0);
  return html`<p>Of ${groups.length} ${word}s, ${always.length} (${clips(always)} clips) are misclassified in all predictions of all models, and ${never.length} (${clips(never)} clips) in none.</p>
${heatTable(
  `Wrong test predictions in percent: ${shown.length < worst.length - never.length ? `the ${shown.length} worst ${word}s` : `all ${word}s with errors`}`,
  word,
  ['class', 'clips', ...names],
  shown.map((group) => ({
    name: group.group,
    cells: [
      { text: group.labels.join(', ') },
      { text: `${group.clips}` },
      ...names.map((name) => {
        const none = { predictions: 0, wrong: 0 };
        const errors = Object.hasOwn(group.byModel, plainName(name)) ? group.byModel[plainName(name)] : none;
        return errors.predictions === 0 ? { text: '-' } : { text: percent(share(errors)), share: share(errors) };
      }),
    ],
  })),
)}`;
}

const dataUri = (type: string, bytes: Uint8Array) =>
  `data:${type};base64,${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}`;

/** Shows the most difficult clips as cards with a spectrogram and, if the recording is available, an audio player. */
export function hardestClips(clips: readonly HardClip[]): Markup | undefined {
  if (clips.length === 0) return undefined;
  return html`<p>Clips that were misclassified most often, over all models and repeats.</p>
<ul class="clips">${clips.map(({ outcome, image, audio }) => {
    const { clip, group, label, wrong, predictions, truth, mistakenFor } = outcome;
    return html`<li>${
      image &&
      html`<img src="${dataUri('image/png', encodePng(image.pixels, image.width, image.height))}" alt="Spectrogram of ${clip}">`
    }
<p><strong>${clip}</strong></p>
<p>${label}${mistakenFor !== null && html`, mistaken for ${mistakenFor}`}; group ${group}</p>
<p class="small">${wrong} of ${predictions} predictions wrong; mean probability of ${label} ${percent(truth)} %</p>
${audio && html`<audio controls preload="none" aria-label="Recording of ${clip}" src="${dataUri('audio/wav', audio)}"></audio>`}</li>\n`;
  })}</ul>`;
}
