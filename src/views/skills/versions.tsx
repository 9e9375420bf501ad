import React, { type ReactElement, useState } from 'react';
import { useView } from '../context';
import { useLoaded } from '../hooks';
import { Loaded } from '../notice';
import { tellOutcome } from '../outcome';
import { Confirm } from '../confirm';
import { useSkillModels } from './models';
import type { ISkillView } from './skill';
import { Comparison } from './text';
import { VersionList } from './versionList';

/** The versions of a skill, how two of them differ, and the way back to one. */
export function Versions({ account, refresh }: ISkillView): ReactElement {
  const { trans } = useView();
  const { name } = account.skill;
  const versions = account.whence.history
    .filter(({ sha256 }) => sha256 !== null)
    .map(({ generation }) => generation);
  const newest = versions.at(-1) ?? 0;
  const [pair, setPair] = useState([versions.at(-2) ?? newest, newest]);
  const [back, setBack] = useState<number>();
  const [before = newest, after = newest] = pair;
  const choose = (place: 'before' | 'after', generation: number): void => {
    setBack(undefined);
    setPair(place === 'before' ? [generation, after] : [before, generation]);
  };
  return (
    <>
      {versions.length > 1 && back === undefined && (
        <>
          <div className="mc-versions-pair">
            <Choice
              label={trans.__('from')}
              versions={versions}
              chosen={before}
              choose={generation => {
                choose('before', generation);
              }}
            />
            <Choice
              label={trans.__('to')}
              versions={versions}
              chosen={after}
              choose={generation => {
                choose('after', generation);
              }}
            />
          </div>
          <Difference name={name} before={before} after={after} />
        </>
      )}
      {back !== undefined && (
        <RollBack
          account={account}
          refresh={refresh}
          generation={back}
          close={() => {
            setBack(undefined);
          }}
        />
      )}
      <VersionList account={account} onBack={setBack} />
    </>
  );
}

interface IChoice {
  label: string;
  versions: readonly number[];
  chosen: number;
  choose: (generation: number) => void;
}

function Choice({ label, versions, chosen, choose }: IChoice): ReactElement {
  const { trans } = useView();
  return (
    <label>
      {label}{' '}
      <select
        className="mc-field"
        value={chosen}
        onChange={event => {
          choose(Number(event.target.value));
        }}
      >
        {versions.map(generation => (
          <option key={generation} value={generation}>
            {trans.__('g%1', generation)}
          </option>
        ))}
      </select>
    </label>
  );
}

interface IDifference {
  name: string;
  before: number;
  after: number;
}

function Difference({ name, before, after }: IDifference): ReactElement {
  const { connection, trans } = useView();
  const { acts } = useSkillModels();
  const key = `${name} ${String(before)} ${String(after)}`;
  const texts = useLoaded(connection, key, () =>
    Promise.all([acts.text(name, before), acts.text(name, after)])
  );
  return (
    <Loaded resource={texts}>
      {([old, now]) =>
        old.text === now.text ? (
          <p className="mc-quiet">{trans.__('The texts are equal.')}</p>
        ) : (
          <Comparison
            before={old.text}
            text={now.text}
            label={trans.__('%1: from g%2 to g%3', name, before, after)}
          />
        )
      }
    </Loaded>
  );
}

interface IRollBack extends ISkillView {
  generation: number;
  close: () => void;
}

function RollBack({
  account,
  refresh,
  generation,
  close
}: IRollBack): ReactElement {
  const { connection, trans } = useView();
  const { acts } = useSkillModels();
  const { skill, source, base } = account;
  const { name } = skill;
  const wanted = useLoaded(connection, `${name} ${String(generation)}`, () =>
    acts.text(name, generation)
  );
  return (
    <Loaded resource={wanted}>
      {({ text }) => (
        <>
          <h4 className="mc-title">
            {trans.__('A rollback to g%1 changes this', generation)}
          </h4>
          {text === source ? (
            <p className="mc-quiet">
              {trans.__('Nothing: the texts are equal.')}
            </p>
          ) : (
            <Comparison
              before={source}
              text={text}
              label={trans.__('%1: from now to g%2', name, generation)}
            />
          )}
          <Confirm
            question={trans.__(
              '%1 becomes what it was in g%2, as a new generation. Later versions are kept, and you can undo it.',
              name,
              generation
            )}
            act={trans.__('Roll back to g%1', generation)}
            run={async () => {
              const act = await acts.rollBack(name, generation, {
                text: source,
                hash: base
              });
              void tellOutcome(Promise.resolve(act), trans);
              refresh();
            }}
            close={close}
          />
        </>
      )}
    </Loaded>
  );
}
