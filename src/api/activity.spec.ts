import { ServerConnection } from '@jupyterlab/services';
import { reportActivity } from './activity';

interface ISent {
  url: string;
  body: string;
}

/** Settings whose requests are answered with a status, and what was sent. */
function answering(status: number): [ServerConnection.ISettings, ISent[]] {
  const sent: ISent[] = [];
  const settings = ServerConnection.makeSettings({
    baseUrl: 'http://localhost:8888/user/me/',
    fetch: async (input: RequestInfo | URL) => {
      const request = input as Request;
      sent.push({ url: request.url, body: await request.text() });
      return new Response('{}', { status });
    }
  });
  return [settings, sent];
}

describe('reportActivity', () => {
  it('sends the seconds, under the base URL, and nothing else', async () => {
    const [settings, sent] = answering(200);
    expect(await reportActivity(2.5, settings)).toBe(true);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.url).toMatch(
      /^http:\/\/localhost:8888\/user\/me\/metaclaw\/api\/activity(\?|$)/
    );
    expect(sent[0]?.body).toBe('{"seconds_ago":2.5}');
  });

  it('knows that nobody is there', async () => {
    const [settings] = answering(404);
    expect(await reportActivity(0, settings)).toBe(false);
  });

  it('takes a refusal for somebody', async () => {
    const [settings] = answering(403);
    expect(await reportActivity(0, settings)).toBe(true);
  });

  it('tries again later where the server cannot be reached', async () => {
    const settings = ServerConnection.makeSettings({
      fetch: () => Promise.reject(new TypeError('no network'))
    });
    expect(await reportActivity(0, settings)).toBe(true);
  });
});
