import type { TranslationBundle } from '@jupyterlab/translation';
import React, { type ReactElement } from 'react';
import type { LibraryRow } from '../../api/schema';
import { visible } from '../../models/hidden';
import type { ITreeLine } from '../../models/library';
import { useView } from '../context';
import { Name } from '../name';
import { isSign, Sign } from './signs';
import { groupInWords, markInWords } from './words';

interface ILineView {
  id: string;
  line: ITreeLine;
  /** How many groups there are. */
  groups: number;
  by: string;
  /** Where it is, in pixels from the top. */
  start: number;
  active: boolean;
  onPick: () => void;
}

/** The head of a group. */
export function TreeGroup({
  id,
  line,
  groups,
  by,
  start,
  active,
  onPick
}: ILineView): ReactElement {
  const { trans } = useView();
  const { group, open, position } = line;
  const label = visible(groupInWords(by, group.key, group.label, trans));
  return (
    <div
      id={id}
      role="treeitem"
      className={lineClass('mc-tree-group', active)}
      aria-level={1}
      aria-posinset={position + 1}
      aria-setsize={groups}
      aria-expanded={open}
      aria-selected={active}
      style={{ transform: `translateY(${String(start)}px)` }}
      onClick={onPick}
    >
      <span className="mc-tree-twist" aria-hidden="true">
        {open ? '▾' : '▸'}
      </span>
      <Name text={label} />
      <span className="mc-tree-end">{group.count}</span>
    </div>
  );
}

/** A skill; a place for one that is not known yet. */
export function TreeSkill({
  id,
  line,
  start,
  active,
  onPick
}: ILineView): ReactElement {
  const { trans } = useView();
  const { row, group, offset } = line;
  return (
    <div
      id={id}
      role="treeitem"
      className={lineClass('mc-tree-skill', active)}
      aria-level={2}
      aria-posinset={(offset ?? 0) + 1}
      aria-setsize={group.count}
      aria-selected={active}
      aria-busy={!row}
      aria-label={row ? inWords(row, trans) : trans.__('Loading…')}
      title={row && visible(row.description)}
      style={{ transform: `translateY(${String(start)}px)` }}
      onClick={onPick}
    >
      {row ? <Skill row={row} /> : <span aria-hidden="true">…</span>}
    </div>
  );
}

function Skill({ row }: { row: LibraryRow }): ReactElement {
  const { trans } = useView();
  return (
    <>
      <Name text={row.name} />
      <bdi className="mc-tree-about">{visible(row.description)}</bdi>
      <span className="mc-tree-end">
        {row.marks.map(mark => (
          <span key={mark} title={markInWords(mark, trans)}>
            {isSign(mark) ? <Sign name={mark} /> : mark}
          </span>
        ))}
        {row.uses > 0 && <span>{trans.__('%1×', row.uses)}</span>}
        {row.helped > 0 && <span className="mc-good">+{row.helped}</span>}
        {row.hurt > 0 && <span className="mc-bad">−{row.hurt}</span>}
      </span>
    </>
  );
}

/** The same for those who hear. */
function inWords(row: LibraryRow, trans: TranslationBundle): string {
  const parts = [row.name, ...row.marks.map(mark => markInWords(mark, trans))];
  if (row.uses > 0) {
    parts.push(trans._n('used once', 'used %1 times', row.uses, row.uses));
  }
  if (row.helped > 0) {
    parts.push(trans.__('helped %1', row.helped));
  }
  if (row.hurt > 0) {
    parts.push(trans.__('hurt %1', row.hurt));
  }
  return [...parts, visible(row.description)].join(', ');
}

function lineClass(kind: string, active: boolean): string {
  return `mc-tree-line ${kind}${active ? ' mc-mod-active' : ''}`;
}
