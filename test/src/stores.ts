import { type ArtifactStore, openStore, type S3Settings } from '@cryfold/store';
import { findTool, S3Server } from '@cryfold/testing';

const minio = await findTool('minio');

/** A store for a test, with the settings that a server or a process needs to open it. */
export interface TestStore {
  store: ArtifactStore;
  storeUrl: string;
  s3: S3Settings | undefined;
  /** CRYFOLD_STORE, and the variables for S3 */
  environment: Record<string, string>;
  remove: () => Promise<void>;
}

export interface StoreKind {
  name: 'file store' | 'S3 store';
  /** The reason to skip tests on this kind of store, or false */
  skip: string | false;
  /** @param folder the folder of a file store; ignored for S3 */
  create: (folder: string) => Promise<TestStore>;
}

/** The kinds of store on which all API operations must work: files and a real S3 server. */
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

/** Returns the kind of store for a test file: files, unless CRYFOLD_TEST_STORE is set before the tests are imported. */
export function storeKind(): StoreKind {
  const wanted = process.env.CRYFOLD_TEST_STORE ?? 'file store';
  return STORE_KINDS.find(({ name }) => name === wanted) ?? STORE_KINDS[0];
}
