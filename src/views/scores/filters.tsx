import React, { type ReactElement } from 'react';
import type { TaskFacets } from '../../api/schema';
import { notebookName } from '../../models/notebookPath';
import type { Scores } from '../../models/scores';
import type { ITaskFilter } from '../../models/taskList';
import { useView } from '../context';
import { useResource, useSignal } from '../hooks';

const ALL = '*';

/** By notebook, skill and generation; nothing while there is nothing to choose. */
export function Filters({ scores }: { scores: Scores }): ReactElement {
  const { trans } = useView();
  const facets = useResource(scores.facets).value;
  useSignal(scores.tasks.changed);
  const { filter } = scores.tasks;
  if (!facets || (facets.generations.length === 0 && isEmpty(filter))) {
    return <></>;
  }
  const narrow = (part: ITaskFilter, but: keyof ITaskFilter): void => {
    const kept = Object.entries(filter).filter(([key]) => key !== but);
    scores.narrow({ ...(Object.fromEntries(kept) as ITaskFilter), ...part });
  };
  return (
    <div
      className="mc-filters"
      role="group"
      aria-label={trans.__('Show tasks of')}
    >
      <Choice
        label={trans.__('Notebook')}
        all={trans.__('All notebooks')}
        value={filter.notebook}
        options={facets.notebooks.map(({ name, count }) => ({
          value: name,
          label: `${name === '' ? trans.__('no notebook') : notebookName(name)} (${String(count)})`
        }))}
        change={value => {
          narrow(value === null ? {} : { notebook: value }, 'notebook');
        }}
      />
      <Choice
        label={trans.__('Skill')}
        all={trans.__('All skills')}
        value={filter.skill}
        options={facets.skills.map(({ name, count }) => ({
          value: name,
          label: `${name} (${String(count)})`
        }))}
        change={value => {
          narrow(value === null ? {} : { skill: value }, 'skill');
        }}
      />
      <Choice
        label={trans.__('Generation')}
        all={trans.__('All generations')}
        value={filter.generation?.toString()}
        options={generationOptions(facets)}
        change={value => {
          narrow(
            value === null ? {} : { generation: Number(value) },
            'generation'
          );
        }}
      />
      {!isEmpty(filter) && (
        <button
          type="button"
          className="mc-link"
          onClick={() => {
            scores.narrow({});
          }}
        >
          {trans.__('Show all')}
        </button>
      )}
    </div>
  );
}

function isEmpty(filter: ITaskFilter): boolean {
  return Object.keys(filter).length === 0;
}

function generationOptions(facets: TaskFacets): IOption[] {
  return facets.generations.map(({ number, count }) => ({
    value: String(number),
    label: `g${String(number)} (${String(count)})`
  }));
}

interface IOption {
  value: string;
  label: string;
}

interface IChoice {
  label: string;
  all: string;
  value: string | undefined;
  options: readonly IOption[];
  /** null: all of them. */
  change: (value: string | null) => void;
}

/** Values go with a mark before them: a notebook may be called anything, nothing too. */
function Choice({ label, all, value, options, change }: IChoice): ReactElement {
  const missing =
    value !== undefined && !options.some(option => option.value === value);
  return (
    <select
      className="mc-field"
      aria-label={label}
      value={value === undefined ? ALL : `=${value}`}
      onChange={event => {
        const { value: chosen } = event.currentTarget;
        change(chosen === ALL ? null : chosen.slice(1));
      }}
    >
      <option value={ALL}>{all}</option>
      {missing && <option value={`=${value}`}>{value}</option>}
      {options.map(option => (
        <option
          key={option.value}
          value={`=${option.value}`}
          title={option.value}
        >
          {option.label}
        </option>
      ))}
    </select>
  );
}
