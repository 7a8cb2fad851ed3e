import { type ArtifactStore, openStore, type S3Settings } from '@cryfold/store';
import { findTool, S3Server } from '@cryfold/testing';

const minio = await findTool('minio');

/** A store for a test, and how a server or a process opens it. */
export interface TestStore {
  store: ArtifactStore;
  storeUrl: string;
  s3: S3Settings | undefined;
  /** CRYFOLD_STORE, and what S3 needs */
  environment: Record<string, string>;
  remove: () => Promise<void>;
}

export interface StoreKind {
  name: 'file store' | 'S3 store';
  /** False, or why tests on it are skipped */
  skip: string | false;
  /** @param folder where a file store lies; in S3, the prefix is its own name */
  create: (folder: string) => Promise<TestStore>;
}

/** The kinds of store that all that goes through the API must work on: files and a real S3 server. */
export const STORE_KINDS: readonly StoreKind[] = [
  {
    name: 'file store',
    skip: false,
    create: async (folder) => {
      const storeUrl = `file:${folder}`;
      const store = openStore(storeUrl);
      return { store, storeUrl, s3: undefined, environment: { CRYFOLD_STORE: storeUrl }, remove: () => store.close() };
    },
  },
  {
    name: 'S3 store',
    skip: minio === undefined && 'MinIO is neither on PATH, in $CRYFOLD_TOOLS nor cached',
    create: async () => {
      const server = await S3Server.start({ tool: 'minio', program: minio as string });
      const { endpoint, region, accessKey, secretKey } = server;
      const s3 = { endpoint, region, accessKey, secretKey, addressing: 'path' as const };
      const environment = server.environment('test');
      const storeUrl = environment.CRYFOLD_STORE;
      const store = openStore(storeUrl, s3);
      const remove = async () => {
        await store.close();
        await server.stop();
      };
      return { store, storeUrl, s3, environment, remove };
    },
  },
];

/** The kind that a test file runs on: files, or what a file beside it asks for before it imports the tests. */
export function storeKind(): StoreKind {
  const wanted = process.env.CRYFOLD_TEST_STORE ?? 'file store';
  return STORE_KINDS.find(({ name }) => name === wanted) ?? STORE_KINDS[0];
}
