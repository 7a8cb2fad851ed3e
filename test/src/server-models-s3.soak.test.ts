// The tests of server-models.test.ts, on an S3 store.
process.env.CRYFOLD_TEST_STORE = 'S3 store';
await import('./server-models.test.js');
