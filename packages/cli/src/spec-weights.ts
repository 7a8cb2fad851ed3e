export { weightsSources } from '@cryfold/local-run';
