declare module 'proxy-from-env' {
  /** The proxy that the environment names for a URL; an empty string if the URL is contacted directly. */
  export function getProxyForUrl(url: string): string;
}
