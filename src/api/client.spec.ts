import { ServerConnection } from '@jupyterlab/services';
import { type Api, answer, connect } from './client';
import { Refused, Unreachable } from './failure';

let sent: Request[];

function answering(say: () => Promise<Response>): Api {
  sent = [];
  return connect(
    ServerConnection.makeSettings({
      baseUrl: 'http://localhost:8888/user/me/',
      token: 'secret',
      fetch: (request: RequestInfo | URL) => {
        sent.push(request as Request);
        return say();
      }
    })
  );
}

const saying = (body: unknown, status = 200): Api =>
  answering(() => Promise.resolve(Response.json(body, { status })));

describe('the client', () => {
  it('asks under the base URL, with the token', async () => {
    const api = saying({ version: '1' });
    const health = await answer(api.GET('/health'));
    expect(health.version).toBe('1');
    expect(sent[0]?.url).toMatch(
      /^http:\/\/localhost:8888\/user\/me\/metaclaw\/api\/health/
    );
    expect(sent[0]?.headers.get('Authorization')).toBe('token secret');
  });

  it('sends what is in a path and a query whole', async () => {
    const api = saying({});
    await answer(
      api.GET('/skills/{name}', { params: { path: { name: 'a/b ü?' } } })
    );
    expect(sent[0]?.url).toContain('/skills/a%2Fb%20%C3%BC%3F');
  });

  it('sends a body', async () => {
    const api = saying({});
    await answer(api.POST('/scheduler/pause', { body: { minutes: 5 } }));
    expect(sent[0]?.method).toBe('POST');
    expect(await sent[0]?.json()).toEqual({ minutes: 5 });
  });

  it('rejects with what the server said, and the next step', async () => {
    const told = { message: 'No.', next_step: 'Ask.', reason: 'NotFound' };
    await expect(answer(saying(told, 404).GET('/status'))).rejects.toEqual(
      new Refused(404, 'NotFound', 'No.', 'Ask.')
    );
  });

  it.each(['<html>', '', '[]', '{"message": 3}'])(
    'rejects with the status where the failure is %p',
    async text => {
      const api = answering(() =>
        Promise.resolve(new Response(text, { status: 502 }))
      );
      const failure = await answer(api.GET('/status')).catch(
        (error: unknown) => error
      );
      expect(failure).toBeInstanceOf(Refused);
      expect((failure as Refused).status).toBe(502);
    }
  );

  it('rejects as unreachable where nobody answers', async () => {
    const api = answering(() => Promise.reject(new TypeError('no network')));
    await expect(answer(api.GET('/status'))).rejects.toBeInstanceOf(
      Unreachable
    );
  });
});
