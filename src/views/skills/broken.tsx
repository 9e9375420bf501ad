import React, { type ReactElement, useEffect } from 'react';
import type { SkillText } from '../../api/schema';
import { countHidden, visible } from '../../models/hidden';
import { useView } from '../context';
import { Edit } from './edit';
import { Hidden } from './hidden';
import { useSkillModels } from './models';

interface IBroken {
  found: SkillText;
  refresh: () => void;
}

/** A file in the folder of skills that has never been one: why, and an editor to mend it. */
export function Broken({ found, refresh }: IBroken): ReactElement {
  const { navigation, trans } = useView();
  const { drafts } = useSkillModels();
  const { name, text, base, problem } = found;
  useEffect(() => {
    drafts.begin(name, { text, hash: base, broken: true });
  }, [drafts, name, text, base]);
  return (
    <>
      <div className="mc-trouble" role="note">
        <span aria-hidden="true">⚠</span>{' '}
        {trans.__('This file cannot be used as a skill.')}{' '}
        <bdi>{visible(problem)}</bdi>
      </div>
      <Hidden count={countHidden(text)} />
      <Edit
        name={name}
        current={{ text, hash: base }}
        refresh={refresh}
        close={() => {
          if (!drafts.of(name)) {
            navigation.back();
          }
        }}
      />
    </>
  );
}
