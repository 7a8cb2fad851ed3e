const VARIABLES = ['https_proxy', 'http_proxy', 'all_proxy'];

/**
 * Sends HTTP requests through the proxies set in the environment. The code for proxies is loaded only if a proxy is
 * set.
 */
export async function useProxies(environment: NodeJS.ProcessEnv): Promise<void> {
  if (!VARIABLES.some((name) => environment[name] || environment[name.toUpperCase()])) return;
  const { fetchThroughProxies } = await import('./proxies.js');
  fetchThroughProxies();
}
