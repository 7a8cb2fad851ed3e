/** Of cryfold, as `cryfold --version` prints it. */
export const VERSION = '0.1.0';
