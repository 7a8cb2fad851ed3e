export { PALETTE, PALETTE_SIZE } from '@cryfold/core';
