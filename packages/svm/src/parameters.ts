/** Parameters of a C-SVM. Names are scikit-learn's. */
export interface SvmParameters {
  kernel: 'rbf' | 'linear' | 'poly' | 'sigmoid';
  C: number;
  /** For rbf, poly and sigmoid; `scale` is 1 / (columns * variance of the training pixels), `auto` 1 / columns */
  gamma: 'scale' | 'auto' | number;
  /** For poly */
  degree: number;
  /** For poly and sigmoid */
  coef0: number;
  /**
   * Factors by which C is multiplied: `balanced` factors are inversely proportional to the share of a class; otherwise,
   * one factor can be given per label, default 1
   */
  classWeight: 'none' | 'balanced' | Record<string, number>;
  strategy: 'one-vs-rest' | 'one-vs-one';
  /** How decisions become probabilities: by a sigmoid per machine, or by softmax(t * decisions + offset per class) */
  calibration: 'platt' | 'temperature';
  /** The solver stops when the largest violation of the optimality conditions is at most this */
  tolerance: number;
  /** `ml-svm` trains with the library of that name, `cryfold` with cryfold's own solver. */
  engine: 'cryfold' | 'ml-svm';
}
