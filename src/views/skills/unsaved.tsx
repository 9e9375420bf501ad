import React, { type ReactElement } from 'react';
import { useView } from '../context';
import { useSignal } from '../hooks';
import { Name } from '../name';
import { NEW_SKILL } from '../../models/skillPlace';
import { useSkillModels } from './models';

/** The edits that are not saved, and the way back to each. */
export function Unsaved(): ReactElement | null {
  const { navigation, trans } = useView();
  const { drafts } = useSkillModels();
  useSignal(drafts.changed);
  const { touched } = drafts;
  if (touched.length === 0) {
    return null;
  }
  return (
    <p className="mc-unsaved">
      <span aria-hidden="true">● </span>
      {trans.__('Not saved:')}{' '}
      {touched.map(name => (
        <button
          key={name}
          type="button"
          className="mc-link"
          onClick={() => {
            navigation.go('skills', name);
          }}
        >
          <Name text={name === NEW_SKILL ? trans.__('a new skill') : name} />
        </button>
      ))}
    </p>
  );
}
