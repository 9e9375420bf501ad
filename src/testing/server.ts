import { type Event, ServerConnection } from '@jupyterlab/services';
import { Signal } from '@lumino/signaling';
import { Connection } from '../models/connection';

/** What was asked of the server, under `/metaclaw/api`. */
export interface IAsked {
  method: string;
  path: string;
  query: URLSearchParams;
  body: unknown;
}

/** What a server says instead of an answer. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    message = 'No.'
  ) {
    super(message);
  }
}

/** A server that is a function: all behind the wire is ours to say, all before it is real. */
export class FakeServer {
  /** `answers` gives what is sent as JSON, or throws a `Refusal`, or a `TypeError` where nobody answers. */
  constructor(answers: (asked: IAsked) => unknown) {
    const serverSettings = ServerConnection.makeSettings({
      baseUrl: 'http://localhost:8888/',
      fetch: async (input: RequestInfo | URL, init?: RequestInit) => {
        const asked = await read(new Request(input, init));
        if (asked.path === '/health') {
          return Response.json({ version: '1', home: 'h', root: '/', pid: 1 });
        }
        this.asked.push(asked);
        try {
          return Response.json(await answers(asked));
        } catch (error) {
          if (error instanceof Refusal) {
            const { status, reason, message } = error;
            return Response.json(
              { reason, message, next_step: 'Try something else.' },
              { status }
            );
          }
          throw error;
        }
      }
    });
    const events = { stream: this._stream } as unknown as Event.IManager;
    this.connection = new Connection({ serverSettings, events });
  }

  readonly asked: IAsked[] = [];

  readonly connection: Connection;

  /** The home has moved on. */
  move(): void {
    this._stream.emit({ schema_id: 'urn:metaclaw-jlab:moved:v1' });
  }

  private readonly _stream = new Signal<this, { schema_id: string }>(this);
}

/** Wait until something holds; jest's own limit ends it. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) {
    await new Promise(resolve => setTimeout(resolve, 1));
  }
}

async function read(request: Request): Promise<IAsked> {
  const { pathname, searchParams } = new URL(request.url);
  const text = request.method === 'GET' ? '' : await request.text();
  return {
    method: request.method,
    path: decodeURIComponent(pathname.replace('/metaclaw/api', '')),
    query: searchParams,
    body: text === '' ? undefined : (JSON.parse(text) as unknown)
  };
}
