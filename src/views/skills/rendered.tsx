import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';
import React, { type ReactElement, useLayoutEffect, useRef } from 'react';
import { visible } from '../../models/hidden';
import { useView } from '../context';
import { inert } from './inert';

const MARKDOWN = 'text/markdown';

/** Instructions of a skill as they read, made harmless: whoever wrote them is not trusted. */
export function RenderedText({ text }: { text: string }): ReactElement {
  const { rendermime } = useView();
  const host = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const place = host.current;
    const renderer = makeRenderer(rendermime);
    if (!place || !renderer) {
      return;
    }
    if (renderer instanceof Widget) {
      Widget.attach(renderer, place);
    }
    const model = rendermime.createModel({
      data: { [MARKDOWN]: visible(text) },
      trusted: false
    });
    void renderer.renderModel(model);
    return () => {
      // It detaches itself, which it can only while its place is in the page.
      renderer.dispose();
    };
  }, [rendermime, text]);
  return <div ref={host} className="mc-rendered" dir="auto" />;
}

function makeRenderer(
  rendermime: IRenderMimeRegistry
): IRenderMime.IRenderer | undefined {
  return rendermime.getFactory(MARKDOWN)?.createRenderer({
    mimeType: MARKDOWN,
    sanitizer: inert(rendermime.sanitizer),
    resolver: null,
    linkHandler: null,
    latexTypesetter: rendermime.latexTypesetter,
    markdownParser: rendermime.markdownParser
  });
}
