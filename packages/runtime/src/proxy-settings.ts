const VARIABLES = ['https_proxy', 'http_proxy', 'all_proxy'];

/** Sends HTTP requests through the proxies named by the environment. Their code is only loaded if there are any. */
export async function useProxies(environment: NodeJS.ProcessEnv): Promise<void> {
  if (!VARIABLES.some((name) => environment[name] || environment[name.toUpperCase()])) return;
  const { fetchThroughProxies } = await import('./proxies.js');
  fetchThroughProxies();
}
