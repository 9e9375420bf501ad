import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

/** Tell of a proposal that was turned down, from a page that ends now: nobody waits for an answer. */
export function tellAtOnce(
  trajectory: string,
  reason: string,
  settings: ServerConnection.ISettings
): void {
  const url = URLExt.join(
    settings.baseUrl,
    'metaclaw',
    'api',
    'tasks',
    encodeURIComponent(trajectory),
    'feedback'
  );
  const request: RequestInit = {
    method: 'POST',
    body: JSON.stringify({ kind: 'bad', reason }),
    keepalive: true
  };
  ServerConnection.makeRequest(url, request, settings).catch(() => undefined);
}
