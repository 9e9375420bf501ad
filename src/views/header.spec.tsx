import { nullTranslator } from '@jupyterlab/translation';
import { cleanup, render } from '@testing-library/react';
import React from 'react';
import type { Status } from '../api/schema';
import { type IViewContext, ViewContext } from './context';
import { Policy } from './header';

function told(status: object): { text: string; title: string } {
  const context = { trans: nullTranslator.load('') } as unknown as IViewContext;
  const { container } = render(
    <ViewContext.Provider value={context}>
      <Policy status={status as Status} />
    </ViewContext.Provider>
  );
  const title = container
    .querySelector('.mc-head-policy')
    ?.getAttribute('title');
  return { text: container.textContent, title: title ?? '' };
}

afterEach(cleanup);

describe('who answers', () => {
  it('is the practice model, which says what it knows', () => {
    const { text, title } = told({
      practice_only: true,
      policy: 'embedded practice model',
      answering: {
        kind: 'embedded',
        abilities: ['Practice only.'],
        problem: ''
      }
    });
    expect(text).toBe('embedded policyembedded');
    expect(title).toBe('embedded practice model\nPractice only.');
  });

  it('is a local model, with what it can and where it is from', () => {
    const { text, title } = told({
      practice_only: false,
      policy: 'small on this machine (GGUF on llama.cpp)',
      answering: {
        kind: 'local',
        name: 'small',
        abilities: ['Small.', 'Not trained.'],
        source: '/models/small.gguf',
        problem: ''
      }
    });
    expect(text).toBe('small on this machine (GGUF on llama.cpp)small');
    expect(title).toMatch(/Small\.\nNot trained\.\n\/models\/small\.gguf$/);
  });

  it('is an endpoint by its name', () => {
    const policy = 'large at http://localhost/v1';
    const answering = { kind: 'endpoint', abilities: ['Here.'], problem: '' };
    expect(told({ practice_only: false, policy, answering })).toEqual({
      text: policy,
      title: `${policy}\nHere.`
    });
  });
});
