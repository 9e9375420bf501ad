import React, { type ReactElement, useEffect, useRef } from 'react';
import { skillPlace } from '../../models/skillPlace';
import type { ITabBody } from '../tabs';
import { GenerationPage } from './generation';
import { LibraryView } from './library';
import { NewSkill } from './newSkill';
import { SkillPage } from './skill';
import { Timeline } from './timeline';

/** What the agent knows: the library, its generations, or one of either. */
export function SkillsTab({ subject }: ITabBody): ReactElement {
  const place = useRef<HTMLDivElement>(null);
  const before = useRef(subject);
  useEffect(() => {
    if (before.current === subject) {
      return;
    }
    before.current = subject;
    // What was focused may have gone with what was shown before.
    if (document.activeElement === document.body) {
      place.current?.querySelector<HTMLElement>('[data-mc-focus]')?.focus();
    }
  }, [subject]);
  return (
    <div ref={place} className="mc-skills">
      <Shown subject={subject} />
    </div>
  );
}

function Shown({ subject }: ITabBody): ReactElement {
  const shown = skillPlace(subject);
  switch (shown.kind) {
    case 'library':
      return <LibraryView />;
    case 'generations':
      return <Timeline />;
    case 'generation':
      return <GenerationPage key={shown.number} number={shown.number} />;
    case 'new':
      return <NewSkill />;
    case 'skill':
      return <SkillPage key={shown.name} name={shown.name} />;
  }
}
