import React, { type ReactElement, useEffect, useId } from 'react';
import type { IGroups } from '../../models/library';
import type { Grouping } from '../../models/rowPages';
import { GENERATIONS, NEW_SKILL } from '../../models/skillPlace';
import { useView } from '../context';
import { useResource, useSignal } from '../hooks';
import { Empty, Loaded, Trouble } from '../notice';
import { useSkillModels } from './models';
import { Problems } from './problems';
import { SkillTree } from './tree';
import { Unsaved } from './unsaved';

/** The library: a search, and the tree of what it leaves. */
export function LibraryView(): ReactElement {
  const { trans } = useView();
  const { library } = useSkillModels();
  const groups = useResource(library.groups);
  return (
    <div className="mc-library">
      <Search />
      <Loaded resource={groups}>
        {found => (
          <>
            <Summary found={found} />
            <Unsaved />
            <Problems found={found} />
            {library.failure && <Trouble error={library.failure} />}
            {found.total > 0 ? (
              <SkillTree library={library} />
            ) : (
              <Nothing found={found} />
            )}
          </>
        )}
      </Loaded>
      <p className="mc-heard" role="status">
        {groups.value &&
          trans._n(
            'One skill is shown.',
            '%1 skills are shown.',
            groups.value.total,
            groups.value.total
          )}
      </p>
    </div>
  );
}

function Search(): ReactElement {
  const { trans } = useView();
  const { library } = useSkillModels();
  useSignal(library.changed);
  const by = useId();
  const { question } = library;
  const groupings: Record<Grouping, string> = {
    source: trans.__('notebook'),
    generation: trans.__('generation'),
    mark: trans.__('mark')
  };
  return (
    <div className="mc-library-search" role="search">
      <input
        className="mc-field"
        type="search"
        aria-label={trans.__('Search in skills')}
        title={trans.__('Names and texts are searched')}
        placeholder={trans.__('Search')}
        value={question.search}
        onChange={event => {
          library.ask({ search: event.target.value });
        }}
        onKeyDown={event => {
          if (event.key === 'ArrowDown') {
            event.preventDefault();
            event.currentTarget
              .closest('.mc-library')
              ?.querySelector<HTMLElement>('[role=tree]')
              ?.focus();
          }
        }}
      />
      <label htmlFor={by}>{trans.__('by')}</label>
      <select
        id={by}
        className="mc-field mc-library-by"
        value={question.by}
        onChange={event => {
          library.ask({ by: event.target.value as Grouping });
        }}
      >
        {Object.entries(groupings).map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </div>
  );
}

function Summary({ found }: { found: IGroups }): ReactElement {
  const { navigation, trans } = useView();
  const { total, generation, question } = found;
  const count = trans._n('One skill', '%1 skills', total, total);
  return (
    <div className="mc-library-summary">
      <span className="mc-quiet">
        {question.search.trim() === ''
          ? count
          : trans.__('%1 with “%2”', count, question.search.trim())}
      </span>
      <button
        type="button"
        className="mc-link"
        title={trans.__('How the library came to be, generation by generation')}
        onClick={() => {
          navigation.go('skills', GENERATIONS);
        }}
      >
        {trans.__('Generation g%1', generation)}
      </button>
      <button
        type="button"
        className="mc-link"
        onClick={() => {
          navigation.go('skills', NEW_SKILL);
        }}
      >
        {trans.__('New skill')}
      </button>
    </div>
  );
}

function Nothing({ found }: { found: IGroups }): ReactElement {
  const { navigation, trans } = useView();
  const { library } = useSkillModels();
  useEffect(() => {
    library.scrolled = 0;
  }, [library]);
  const search = found.question.search.trim();
  if (search !== '') {
    return (
      <Empty title={trans.__('No skill has “%1”', search)}>
        <button
          type="button"
          className="mc-button"
          onClick={() => {
            library.ask({ search: '' });
          }}
        >
          {trans.__('Show all')}
        </button>
      </Empty>
    );
  }
  return (
    <Empty title={trans.__('No skills yet')}>
      <p>
        {trans.__(
          'They come by themselves when a task fails: a check, an exception, or your word on what was wrong. One that you write goes into prompts at once.'
        )}
      </p>
      <button
        type="button"
        className="mc-button"
        onClick={() => {
          navigation.go('skills', NEW_SKILL);
        }}
      >
        {trans.__('Write a skill')}
      </button>
    </Empty>
  );
}
