import { type Api, answer } from '../api/client';

/** Say what a task was; resolves to what came of it, in a sentence. */
export async function sayOf(
  api: Api,
  id: string,
  kind: 'good' | 'bad',
  reason: string
): Promise<string> {
  const said = await answer(
    api.POST('/tasks/{id}/feedback', {
      params: { path: { id } },
      body: { kind, reason }
    })
  );
  return said.told;
}

/** Take the last word back; resolves to what came of it, in a sentence. */
export async function takeBackWord(api: Api, id: string): Promise<string> {
  const said = await answer(
    api.DELETE('/tasks/{id}/feedback', { params: { path: { id } } })
  );
  return said.told;
}
