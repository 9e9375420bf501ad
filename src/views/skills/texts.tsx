import React, { type ReactElement, useState } from 'react';
import { useView } from '../context';
import { useSignal } from '../hooks';
import { Edit } from './edit';
import { useSkillModels } from './models';
import { RenderedText } from './rendered';
import type { ISkillView } from './skill';
import { SourceText } from './text';
import { Versions } from './versions';

type Mode = 'rendered' | 'source' | 'versions' | 'edit';

/** A longer text is shown as it is written: rendering it would hold up the page. */
const LONG = 50_000;

/** The text of a skill: as it reads, as it is written, how it became so; or an edit of it. */
export function Texts({ account, refresh }: ISkillView): ReactElement {
  const { trans } = useView();
  const { drafts } = useSkillModels();
  useSignal(drafts.changed);
  const { skill, source, base, problem, whence } = account;
  const { name, body } = skill;
  const current = { text: source, hash: base, broken: problem !== '' };
  const readable = problem === '' && body.length <= LONG;
  const [mode, setMode] = useState<Mode>(
    drafts.of(name) ? 'edit' : readable ? 'rendered' : 'source'
  );
  const modes: [Mode, string][] = [
    ['rendered', trans.__('Rendered')],
    ['source', trans.__('Source')],
    ['versions', trans.__('Versions')],
    ['edit', problem ? trans.__('Mend') : trans.__('Edit')]
  ];
  const choose = (chosen: Mode): void => {
    if (chosen === 'edit') {
      drafts.begin(name, current);
    }
    setMode(chosen);
  };
  return (
    <>
      <div
        className="mc-modes"
        role="group"
        aria-label={trans.__('How the text is shown')}
      >
        {modes
          .filter(
            ([each]) =>
              (each !== 'rendered' || readable) &&
              (each !== 'versions' || whence.history.length > 0)
          )
          .map(([each, label]) => (
            <button
              key={each}
              type="button"
              className="mc-mode"
              aria-pressed={mode === each}
              onClick={() => {
                choose(each);
              }}
            >
              {label}
              {each === 'edit' && drafts.of(name) && (
                <span title={trans.__('not saved')}>
                  <span aria-hidden="true"> ●</span>
                  <span className="mc-heard"> {trans.__('not saved')}</span>
                </span>
              )}
            </button>
          ))}
      </div>
      {mode === 'rendered' && <RenderedText text={body} />}
      {mode === 'source' && (
        <SourceText text={source} label={trans.__('Source of %1', name)} />
      )}
      {mode === 'versions' && <Versions account={account} refresh={refresh} />}
      {mode === 'edit' && (
        <Edit
          name={name}
          current={current}
          refresh={refresh}
          close={() => {
            setMode(readable ? 'rendered' : 'source');
          }}
        />
      )}
    </>
  );
}
