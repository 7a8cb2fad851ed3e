export { EXIT } from './exit-codes.js';
export { commandTree, main } from './main.js';
