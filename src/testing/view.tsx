import {
  type IRenderMimeRegistry,
  RenderMimeRegistry,
  standardRendererFactories
} from '@jupyterlab/rendermime';
import { type Contents, ServerConnection } from '@jupyterlab/services';
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { render, type RenderResult } from '@testing-library/react';
import React, { type ReactElement } from 'react';
import { Navigation } from '../models/navigation';
import { type IViewContext, ViewContext } from '../views/context';
import type { FakeServer } from './server';

/** A view as it is drawn in its panel, and what it may use there. */
export interface IDrawn extends IViewContext {
  drawn: RenderResult;
}

/** Draw a view over a server. Markdown is HTML here; `files` are the paths that there are. */
export function draw(
  view: ReactElement,
  server: FakeServer,
  files: readonly string[] = []
): IDrawn {
  const rendermime: IRenderMimeRegistry = new RenderMimeRegistry({
    initialFactories: standardRendererFactories,
    markdownParser: { render: source => Promise.resolve(source) }
  });
  const get = (path: string): Promise<unknown> =>
    files.includes(path)
      ? Promise.resolve({ path })
      : Promise.reject(
          new ServerConnection.ResponseError(
            new Response('', { status: 404 }),
            'Not found'
          )
        );
  const context: IViewContext = {
    connection: server.connection,
    navigation: new Navigation(),
    commands: new CommandRegistry(),
    contents: { get } as unknown as Contents.IManager,
    rendermime,
    trans: nullTranslator.load('metaclaw-jlab')
  };
  // Most of what changes comes by signals, at no time that a test could know.
  Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: false });
  const drawn = render(
    <ViewContext.Provider value={context}>{view}</ViewContext.Provider>
  );
  return { ...context, drawn };
}
