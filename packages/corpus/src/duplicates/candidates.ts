import { LANDMARKS, type Landmarks } from './landmarks.js';

/**
 * Number of earlier sounds to check for each landmark. Only the latest sounds are checked, so that common landmarks do
 * not take more time than others.
 */
const LOOKED_AT = 24;
/** Number of landmarks that two sounds must share at the same lag, plus or minus one frame. */
const FEWEST = 5;
/** Maximum number of earlier sounds to compare a sound with. The sounds with the most shared landmarks come first. */
const MOST = 4;

/**
 * Stores the landmarks of sounds, and finds earlier sounds that share landmarks with a new one at a constant lag. New
 * entries replace entries that are no longer used, so there are at most 12.6 million entries of 12 bytes each,
 * regardless of the number of sounds.
 */
export class CandidateIndex {
  /** The index of the last entry for each landmark, plus 1 */
  readonly #last = new Int32Array(LANDMARKS);
  /** Number of entries for each landmark */
  readonly #counts = new Uint8Array(LANDMARKS);
  #entries = 0;
  #sounds = new Int32Array(4096);
  #frames = new Int32Array(4096);
  /** For each entry, the index of the previous entry for the same landmark, plus 1 */
  #before = new Int32Array(4096);

  /**
   * Adds a sound.
   * @param sound number of the sound; must be larger than the numbers of all earlier sounds
   * @returns earlier sounds that may be equal or overlap, the most similar first
   */
  add(sound: number, landmarks: Landmarks): number[] {
    const found = this.#vote(landmarks);
    this.#insert(sound, landmarks);
    return found;
  }

  #vote({ hashes, frames }: Landmarks): number[] {
    const votes = new Map<number, Map<number, number>>();
    for (const [i, hash] of hashes.entries()) {
      let entry = this.#last[hash];
      for (let looked = 0; entry > 0 && looked < LOOKED_AT; looked++) {
        const sound = this.#sounds[entry - 1];
        const lag = this.#frames[entry - 1] - frames[i];
        let lags = votes.get(sound);
        if (!lags) {
          lags = new Map();
          votes.set(sound, lags);
        }
        lags.set(lag, (lags.get(lag) ?? 0) + 1);
        entry = this.#before[entry - 1];
      }
    }
    const scored: { sound: number; score: number }[] = [];
    for (const [sound, lags] of votes) {
      let score = 0;
      for (const [lag, count] of lags) score = Math.max(score, count + (lags.get(lag + 1) ?? 0));
      if (score >= FEWEST) scored.push({ sound, score });
    }
    scored.sort((a, b) => b.score - a.score || a.sound - b.sound);
    return scored.slice(0, MOST).map(({ sound }) => sound);
  }

  #insert(sound: number, { hashes, frames }: Landmarks): void {
    while (this.#entries + hashes.length > this.#sounds.length) this.#grow();
    for (const [i, hash] of hashes.entries()) {
      const entry = this.#counts[hash] < LOOKED_AT ? this.#entries++ : this.#takeOldest(hash);
      this.#sounds[entry] = sound;
      this.#frames[entry] = frames[i];
      this.#before[entry] = this.#last[hash];
      this.#last[hash] = entry + 1;
      this.#counts[hash]++;
    }
  }

  /** Removes the oldest entry of a landmark from its chain. */
  #takeOldest(hash: number): number {
    let newer = this.#last[hash] - 1;
    for (let i = 2; i < this.#counts[hash]; i++) newer = this.#before[newer] - 1;
    const oldest = this.#before[newer] - 1;
    this.#before[newer] = 0;
    this.#counts[hash]--;
    return oldest;
  }

  #grow(): void {
    const larger = (old: Int32Array) => {
      const grown = new Int32Array(2 * old.length);
      grown.set(old);
      return grown;
    };
    this.#sounds = larger(this.#sounds);
    this.#frames = larger(this.#frames);
    this.#before = larger(this.#before);
  }
}
