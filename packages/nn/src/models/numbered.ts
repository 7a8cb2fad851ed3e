/** Keras numbers layers of the same class: conv2d, conv2d_1, ... */
export function numbered(name: string, index: number): string {
  return index === 0 ? name : `${name}_${index}`;
}
