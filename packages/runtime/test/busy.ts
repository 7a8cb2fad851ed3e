// A child that computes without a pause.
process.send?.('busy', () => {
  for (;;);
});
