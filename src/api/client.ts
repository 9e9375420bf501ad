import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import createClient, { type Client } from 'openapi-fetch';
import { Refused, Unreachable } from './failure';
import type { Failure, paths } from './schema';

/** Everything that the server can be asked, typed by its own description. */
export type Api = Client<paths>;

/** The API of the server behind a page. */
export function connect(settings: ServerConnection.ISettings): Api {
  return createClient<paths>({
    baseUrl: URLExt.join(settings.baseUrl, 'metaclaw', 'api'),
    fetch: request => send(request, settings)
  });
}

interface IAnswer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/**
 * What an operation answers: `await answer(api.GET('/status'))`.
 *
 * Rejects with `Refused` where the server says no, and `Unreachable` where nobody answers.
 */
export async function answer<T>(asked: Promise<IAnswer<T>>): Promise<T> {
  const { data, error, response } = await asked;
  if (!response.ok || data === undefined) {
    throw refusal(error, response);
  }
  return data;
}

async function send(
  request: Request,
  settings: ServerConnection.ISettings
): Promise<Response> {
  const init: RequestInit = {
    method: request.method,
    signal: request.signal,
    keepalive: request.keepalive
  };
  if (request.method !== 'GET') {
    init.body = await request.text();
  }
  try {
    return await ServerConnection.makeRequest(request.url, init, settings);
  } catch (error) {
    if (error instanceof ServerConnection.NetworkError) {
      throw new Unreachable(error);
    }
    throw error;
  }
}

function refusal(error: unknown, response: Response): Refused {
  if (isFailure(error)) {
    return new Refused(
      response.status,
      error.reason,
      error.message,
      error.next_step
    );
  }
  const told = response.statusText || 'no further word';
  return new Refused(
    response.status,
    'Unknown',
    `The server answered ${String(response.status)}: ${told}.`,
    ''
  );
}

function isFailure(error: unknown): error is Failure {
  return (
    typeof error === 'object' &&
    error !== null &&
    'message' in error &&
    'next_step' in error &&
    'reason' in error
  );
}
