import React, { type ReactElement, type ReactNode } from 'react';
import { Refused } from '../api/failure';
import type { Schedule, Status, TaskRow, Trend } from '../api/schema';
import { LAST_TASKS } from '../models/overview';
import { outcomeOf, signed, valueOf } from '../models/scores';
import { CELL_MAGIC, CommandIDs } from '../tokens';
import { Ago } from './ago';
import { useView } from './context';
import { FirstStepsView } from './firstSteps';
import { useHelm } from './helm';
import { useResource } from './hooks';
import { Loaded, Trouble } from './notice';
import { Sparkline } from './sparkline';
import { outcomeInWords, readingInWords } from './words';

/** What the agent knows, whether it gets better, and what it does at this moment. */
export function NowTab(): ReactElement {
  const { commands, trans } = useView();
  const { overview } = useHelm();
  const { value: status, failure } = useResource(overview.status);
  const newest = useResource(overview.tasks).value?.tasks[0];
  const refused = failure instanceof Refused;
  return (
    <>
      {refused && <Trouble error={failure} />}
      <FirstStepsView status={status} newest={newest} />
      <Better />
      <LastTasks />
      {!refused && <Buffers />}
      {!refused && <ByItself />}
      <Notes />
      <div className="mc-buttons">
        <button
          type="button"
          className="mc-button"
          onClick={() => {
            void commands.execute(CommandIDs.doctor);
          }}
        >
          {trans.__('Look whether all is in order')}
        </button>
      </div>
    </>
  );
}

interface ISection {
  title: string;
  children: ReactNode;
}

function Section({ title, children }: ISection): ReactElement {
  return (
    <section className="mc-section">
      <h2 className="mc-title">{title}</h2>
      {children}
    </section>
  );
}

/** Whether it gets better: a line a generation, and what they show together. */
function Better(): ReactElement {
  const { trans } = useView();
  const trend = useResource(useHelm().overview.trend);
  return (
    <Section title={trans.__('Is it getting better?')}>
      <Loaded resource={trend}>
        {found => (
          <>
            {found.generations.length > 0 && <TrendTable trend={found} />}
            <p className="mc-said">{found.sentence}</p>
          </>
        )}
      </Loaded>
    </Section>
  );
}

function TrendTable({ trend }: { trend: Trend }): ReactElement {
  const { trans } = useView();
  return (
    <table className="mc-table mc-trend">
      <caption className="mc-heard">
        {trans.__('Tasks done right under each skill generation')}
      </caption>
      <thead className="mc-heard">
        <tr>
          <th scope="col">{trans.__('Generation')}</th>
          <th scope="col">{trans.__('In time')}</th>
          <th scope="col">{trans.__('Share done right')}</th>
          <th scope="col">{trans.__('Tasks')}</th>
        </tr>
      </thead>
      <tbody>
        {trend.generations.map(one => (
          <tr key={one.generation}>
            <th scope="row">g{one.generation}</th>
            <td>
              <Sparkline
                values={one.series}
                lowest={0}
                highest={1}
                label={trans.__(
                  'Generation %1, the oldest tasks first',
                  one.generation
                )}
              />
            </td>
            <td className="mc-number" title={trans.__('with its 95% interval')}>
              {share(one.mean)}{' '}
              <span className="mc-quiet">
                {share(one.low)}–{share(one.high)}
              </span>
            </td>
            <td
              className="mc-number mc-quiet"
              title={trans._n('%1 task', '%1 tasks', one.n)}
            >
              {trans.__('of %1', one.n)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function share(value: number | null): string {
  return value === null ? '–' : value.toFixed(2);
}

/** The newest tasks; each opens with why it went as it did. */
function LastTasks(): ReactElement {
  const { navigation, trans } = useView();
  const { overview } = useHelm();
  const tasks = useResource(overview.tasks);
  const all = overview.status.value?.trajectories?.trajectories ?? 0;
  return (
    <Section title={trans.__('Last tasks')}>
      <Loaded resource={tasks}>
        {found =>
          found.tasks.length === 0 ? (
            <p className="mc-quiet">
              {trans.__(
                'None yet. Give one in a notebook cell that begins with %1.',
                CELL_MAGIC
              )}
            </p>
          ) : (
            <ul className="mc-list">
              {found.tasks.map(task => (
                <li key={task.id}>
                  <TaskLine task={task} />
                </li>
              ))}
              {found.next !== null && (
                <li>
                  <button
                    type="button"
                    className="mc-link"
                    onClick={() => {
                      navigation.go('scores');
                    }}
                  >
                    {more(all - LAST_TASKS, trans)}
                  </button>
                </li>
              )}
            </ul>
          )
        }
      </Loaded>
    </Section>
  );
}

function more(
  left: number,
  trans: ReturnType<typeof useView>['trans']
): string {
  return left > 0
    ? trans._n('%2 more', '%2 more', left, left.toLocaleString())
    : trans.__('All tasks');
}

function TaskLine({ task }: { task: TaskRow }): ReactElement {
  const { navigation, trans } = useView();
  const outcome = outcomeOf(task);
  const { sign, word } = outcomeInWords(outcome, trans);
  const score = valueOf(task.score);
  const steps = task.steps.length;
  return (
    <button
      type="button"
      className="mc-row"
      title={task.text}
      onClick={() => {
        navigation.go('scores', task.id);
      }}
    >
      <span className={`mc-outcome mc-outcome-${outcome}`} aria-hidden="true">
        {sign}
      </span>
      <span className="mc-heard">{word}</span>
      <span className="mc-row-text">{task.text}</span>
      <span className="mc-row-more">{task.skills.join(', ')}</span>
      <span className="mc-row-more mc-number">
        {steps > 0 && trans._n('%1 step', '%1 steps', steps)}
      </span>
      <span className="mc-number">{score === null ? '' : signed(score)}</span>
      <span className="mc-row-more mc-number mc-quiet">
        {task.created_at !== null && <Ago at={task.created_at} />}
      </span>
    </button>
  );
}

/** What waits to be learnt from, and to be trained on. */
function Buffers(): ReactElement {
  const { trans } = useView();
  const { overview } = useHelm();
  const status = useResource(overview.status);
  useResource(overview.settings);
  return (
    <Section title={trans.__('Buffers')}>
      <Loaded resource={status}>
        {found => (
          <dl className="mc-facts">
            <dt>{trans.__('Support')}</dt>
            <dd>{supportInWords(found, trans)}</dd>
            <dt>{trans.__('Query')}</dt>
            <dd>{queryInWords(found, overview.batch, trans)}</dd>
          </dl>
        )}
      </Loaded>
    </Section>
  );
}

type Trans = ReturnType<typeof useView>['trans'];

function supportInWords({ pending, learn }: Status, trans: Trans): string {
  if (pending === null) {
    return trans.__('unknown');
  }
  const waits = trans._n(
    '%1 failure waits to be learnt from',
    '%1 failures wait to be learnt from',
    pending
  );
  return learn ? waits : trans.__('%1; learning is off', waits);
}

function queryInWords(
  { query }: Status,
  batch: number | undefined,
  trans: Trans
): string {
  if (!query) {
    return trans.__('unknown');
  }
  const { waiting, held_out: heldOut } = query;
  const waits =
    batch === undefined
      ? trans._n(
          '%1 task waits to be trained on',
          '%1 tasks wait to be trained on',
          waiting
        )
      : trans._n(
          '%1 task waits; a training begins with %2',
          '%1 tasks wait; a training begins with %2',
          waiting,
          batch
        );
  return heldOut > 0
    ? trans.__('%1; %2 held out for gates', waits, heldOut)
    : waits;
}

/** Why it trains by itself, or does not: how training stands, what is missing, what each signal says. */
function ByItself(): ReactElement {
  const { trans } = useView();
  const { overview } = useHelm();
  const schedule = useResource(overview.schedule);
  const training = useResource(overview.training).value;
  return (
    <Section title={trans.__('Training')}>
      {training && <p className="mc-said">{training.sentence}</p>}
      {training?.missing.map(sentence => (
        <p key={sentence} className="mc-said mc-quiet">
          {sentence}
        </p>
      ))}
      <Loaded resource={schedule}>
        {found => (
          <>
            <p className="mc-said mc-quiet">{today(found, trans)}</p>
            <Signals schedule={found} />
          </>
        )}
      </Loaded>
    </Section>
  );
}

function today(
  { trained_today: seconds, daily_minutes: minutes }: Schedule,
  trans: Trans
): string {
  return trans.__(
    '%1 of %2 min of today are used.',
    Math.round((seconds ?? 0) / 60),
    minutes ?? 0
  );
}

function Signals({ schedule }: { schedule: Schedule }): ReactElement {
  const { trans } = useView();
  const readings = schedule.view?.readings ?? [];
  if (readings.length === 0) {
    return <></>;
  }
  return (
    <details className="mc-details">
      <summary>{trans.__('What the signals say')}</summary>
      <ul className="mc-list">
        {readings.map(reading => {
          const { sign, word } = readingInWords(reading, trans);
          return (
            <li key={reading.name} className="mc-signal">
              <span aria-hidden="true">{sign}</span>
              <span>
                <strong>{reading.name}</strong>{' '}
                <span className="mc-quiet">({word})</span> {reading.sentence}
              </span>
            </li>
          );
        })}
      </ul>
    </details>
  );
}

/** What is wrong, where something is. */
function Notes(): ReactElement {
  const { trans } = useView();
  const notes = useResource(useHelm().overview.status).value?.notes ?? [];
  if (notes.length === 0) {
    return <></>;
  }
  return (
    <Section title={trans.__('Notes')}>
      <ul className="mc-list">
        {notes.map(note => (
          <li key={note} className="mc-said">
            {note}
          </li>
        ))}
      </ul>
    </Section>
  );
}
