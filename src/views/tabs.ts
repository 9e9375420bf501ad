import type { TranslationBundle } from '@jupyterlab/translation';
import type { ComponentType } from 'react';
import type { TabId } from '../models/navigation';
import { AblationsTab } from './ablations/tab';
import { NowTab } from './now';
import { ScoresTab } from './scores/tab';
import { SkillsTab } from './skills/tab';
import { TrainingTab } from './training/tab';

/** The one thing that a tab shows instead of its list, such as a skill by its name. */
export interface ITabBody {
  subject?: string | undefined;
}

interface ITab {
  id: TabId;
  label: (trans: TranslationBundle) => string;
  Body: ComponentType<ITabBody>;
}

/** The tabs of the sidebar, in order. */
export const TABS: readonly ITab[] = [
  { id: 'now', label: trans => trans.__('Now'), Body: NowTab },
  { id: 'skills', label: trans => trans.__('Skills'), Body: SkillsTab },
  { id: 'scores', label: trans => trans.__('Scores'), Body: ScoresTab },
  { id: 'training', label: trans => trans.__('Training'), Body: TrainingTab },
  {
    id: 'ablations',
    label: trans => trans.__('Ablate'),
    Body: AblationsTab
  }
];
