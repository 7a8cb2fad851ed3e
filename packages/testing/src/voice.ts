/** A source of random numbers, such as `Random` of @cryfold/core. */
interface Draws {
  uniform(low?: number, high?: number): number;
  normal(): number;
}

/** In Hz */
const RATE = 8000;

/**
 * A sound like crying: a gliding fundamental with harmonics that swells, fades and breaks off, with some breath noise.
 * @returns mono, at 8 kHz
 */
export function voice(random: Draws, seconds: number): Float64Array {
  let [phase, pitch, level, levelGoal] = [6 * random.uniform(), random.uniform(300, 650), random.uniform(), 1];
  let pitchGoal = random.uniform(300, 650);
  return Float64Array.from({ length: seconds * RATE }, (_, i) => {
    if (i % 400 === 0 && random.uniform() < 0.25) {
      pitchGoal = random.uniform(300, 650);
      levelGoal = random.uniform() < 0.2 ? 0.05 : random.uniform(0.3, 1);
    }
    pitch += (pitchGoal - pitch) / 500;
    level += (levelGoal - level) / 300;
    phase += (2 * Math.PI * pitch) / RATE;
    const tone = Math.sin(phase) + 0.5 * Math.sin(2 * phase) + 0.3 * Math.sin(3 * phase) + 0.1 * Math.sin(5 * phase);
    return 0.2 * level * (tone + 0.2 * random.normal());
  });
}
