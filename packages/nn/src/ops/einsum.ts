import type { Value } from '../graph/graph.js';

/**
 * A sum of products, like numpy's einsum of two tensors: `einsum('bi,ij->bj', a, b)` is a matrix product. Each letter
 * of a term must also occur in the other term or in the result, and no letter may occur twice in a term.
 */
export function einsum(equation: string, a: Value, b: Value): Value {
  const { graph, dtype } = a;
  const [first, second, result] = equation.split(/,|->/);
  const sizes = new Map([...first].map((letter, axis) => [letter, a.shape[axis]]));
  for (const [axis, letter] of [...second].entries()) {
    const size = b.shape[axis];
    if (sizes.has(letter) && sizes.get(letter) !== size) {
      throw new Error(`einsum ${equation}: [${a.shape}] and [${b.shape}] do not match`);
    }
    sizes.set(letter, size);
  }
  const shape = [...result].map((letter) => sizes.get(letter) ?? null);
  return graph.value(
    'Einsum',
    { dtype, shape },
    {
      inputs: [a, b],
      attrs: { equation: { string: equation }, N: { int: 2 }, T: { type: dtype } },
      gradient: ([dy]) =>
        dy ? [einsum(`${result},${second}->${first}`, dy, b), einsum(`${result},${first}->${second}`, dy, a)] : [],
    },
  );
}
