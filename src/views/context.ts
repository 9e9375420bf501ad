import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import { createContext, useContext } from 'react';
import type { Connection } from '../models/connection';
import type { FirstSteps } from '../models/firstSteps';
import type { Navigation } from '../models/navigation';

/** What every view of ours may use. */
export interface IViewContext {
  connection: Connection;
  firstSteps?: FirstSteps;
  navigation: Navigation;
  commands: CommandRegistry;
  contents: Contents.IManager;
  rendermime: IRenderMimeRegistry;
  trans: TranslationBundle;
}

export const ViewContext = createContext<IViewContext | null>(null);

/** The context that the panel around a view has given. */
export function useView(): IViewContext {
  const context = useContext(ViewContext);
  if (!context) {
    throw new Error('A view of MetaClaw was drawn outside its panel.');
  }
  return context;
}
