// Runs the tests of api.test.ts on an S3 store.
process.env.CRYFOLD_TEST_STORE = 'S3 store';
await import('./api.test.js');
