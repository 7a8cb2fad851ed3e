declare module 'proxy-from-env' {
  /** The proxy that the environment names for a URL; an empty string where it is asked directly. */
  export function getProxyForUrl(url: string): string;
}
