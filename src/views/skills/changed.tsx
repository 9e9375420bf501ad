import React, { type ReactElement } from 'react';
import type { Changes } from '../../api/schema';
import { useView } from '../context';
import { Name } from '../name';
import { changeSigns } from './words';

interface IChanged {
  changes: Changes;
  /** How many names are shown of each kind. */
  most: number;
}

/** Which skills were added, changed and removed; each leads to its page. */
export function Changed({ changes, most }: IChanged): ReactElement {
  const { trans } = useView();
  const parts = changeSigns(changes, trans);
  if (parts.length === 0) {
    return <span className="mc-quiet">{trans.__('no change')}</span>;
  }
  return (
    <ul className="mc-plain mc-changed">
      {parts.map(({ sign, word, names, count }) => (
        <li key={sign}>
          <span aria-hidden="true">{sign} </span>
          <span className="mc-heard">{word} </span>
          {names.slice(0, most).map(name => (
            <SkillLink key={name} name={name} />
          ))}
          <Left count={count - Math.min(most, names.length)} />
        </li>
      ))}
    </ul>
  );
}

function Left({ count }: { count: number }): ReactElement {
  const { trans } = useView();
  return count > 0 ? (
    <span className="mc-quiet">{trans.__('and %1 more', count)}</span>
  ) : (
    <></>
  );
}

/** The way to the page of a skill. */
export function SkillLink({ name }: { name: string }): ReactElement {
  const { navigation } = useView();
  return (
    <button
      type="button"
      className="mc-link"
      onClick={() => {
        navigation.go('skills', name);
      }}
    >
      <Name text={name} />
    </button>
  );
}
