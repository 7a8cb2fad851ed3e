/** The parts of ml-svm 2.1.2 that are used here. The package does not include types. */
declare module 'ml-svm' {
  interface Options {
    C: number;
    tol?: number;
    maxIterations?: number;
    kernel: string | { compute(a: number[], b: number[]): number };
    kernelOptions?: { sigma: number };
    random?: () => number;
    whitening: boolean;
  }
  interface Model {
    options: Options;
    b: number;
    X: ArrayLike<number>[];
    Y: number[];
    alphas: number[];
  }
  export default class SVM {
    constructor(options: Options);
    static load(model: Model): SVM;
    train(features: number[][], labels: number[]): void;
    marginOne(features: ArrayLike<number>): number;
    supportVectors(): number[];
    readonly b: number;
    readonly alphas: number[];
    readonly iterations: number;
  }
}

/** A global of Node that neither the ES2023 library nor @types/node 20 declares. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
  }
  class Instance {
    constructor(module: Module);
    readonly exports: Record<string, unknown>;
  }
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
  function validate(bytes: Uint8Array<ArrayBuffer>): boolean;
}
