// Runs the tests of control.soak.test.ts on an S3 store.
process.env.CRYFOLD_TEST_STORE = 'S3 store';
await import('./control.soak.test.js');
