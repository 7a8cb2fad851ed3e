// Runs the tests of server-models.soak.test.ts on an S3 store.
process.env.CRYFOLD_TEST_STORE = 'S3 store';
await import('./server-models.soak.test.js');
