declare module 'proxy-from-env' {
  /** The proxy for a URL according to the environment, or an empty string if the URL is contacted directly. */
  export function getProxyForUrl(url: string): string;
}
