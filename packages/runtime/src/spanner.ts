type Attributes = Readonly<Record<string, string | number | boolean>>;

/** Runs work inside a span. */
export type Spanner = <T>(name: string, attributes: Attributes, work: () => Promise<T>) => Promise<T>;
