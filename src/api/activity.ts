import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

/**
 * Tell the server how long ago the page was used: this number, and nothing else.
 *
 * Resolves to whether there is anybody to tell; a server that cannot be reached
 * at the moment may be there again later.
 */
export async function reportActivity(
  secondsAgo: number,
  settings: ServerConnection.ISettings
): Promise<boolean> {
  const url = URLExt.join(settings.baseUrl, 'metaclaw', 'api', 'activity');
  const request = {
    method: 'POST',
    body: JSON.stringify({ seconds_ago: secondsAgo })
  };
  try {
    const answer = await ServerConnection.makeRequest(url, request, settings);
    return answer.status !== 404;
  } catch {
    return true;
  }
}
