/** The version that `cryfold --version` prints. */
export const VERSION = '0.1.0';
