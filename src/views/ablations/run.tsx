import React, { type ReactElement } from 'react';
import type { AblationReport } from '../../api/schema';
import { tasksSubject } from '../../models/ablationPlace';
import type { Ablations } from '../../models/ablations';
import { exactly } from '../../models/ago';
import { useView } from '../context';
import { useResource } from '../hooks';
import { Loaded } from '../notice';
import { duration } from '../training/words';
import { Acts } from './acts';
import { ArmTable } from './armTable';
import { Comparisons } from './comparisons';
import { Days } from './days';
import { Export } from './export';
import { Forest } from './forest';
import { Progress } from './progress';
import { Trainings } from './trainings';
import { Up } from './up';
import { isLive, stateInWords } from './words';

interface IRunPage {
  model: Ablations;
  number: number;
}

/** One ablation: what it says so far, and what that rests on. */
export function RunPage({ model, number }: IRunPage): ReactElement {
  const { trans } = useView();
  const report = useResource(model.run(number).report);
  return (
    <>
      <Up label={trans.__('Ablations')} />
      <Loaded resource={report}>
        {found => (
          <>
            <Head report={found} />
            <Acts model={model} report={found} />
            <Results report={found} />
            {found.done > 0 && <Export model={model} report={found} />}
            <About report={found} />
          </>
        )}
      </Loaded>
    </>
  );
}

function Head({ report }: { report: AblationReport }): ReactElement {
  const { trans } = useView();
  const { sign, word } = stateInWords(report.state, trans);
  return (
    <div className="mc-ablation-top">
      <h3 className="mc-title">
        {trans.__('Ablation %1', report.number)}
        {': '}
        <span aria-hidden="true">{sign}</span> {word}
      </h3>
      <p className="mc-ablation-verdict">{report.verdict}</p>
      {report.reason && <p className="mc-reason">{report.reason}</p>}
      {(isLive(report.state) || report.done < report.of) && (
        <Progress
          number={report.number}
          done={report.done}
          of={report.of}
          eta={isLive(report.state) ? report.eta_seconds : null}
        />
      )}
      <p className="mc-heard" role="status">
        {trans.__('Ablation %1: %2', report.number, word)}
      </p>
    </div>
  );
}

function Results({ report }: { report: AblationReport }): ReactElement {
  const { navigation, trans } = useView();
  if (report.done === 0) {
    return (
      <p className="mc-quiet">
        {trans.__('What comes of it is shown here as it comes.')}
      </p>
    );
  }
  return (
    <>
      <Forest report={report} />
      <Comparisons comparisons={report.comparisons} />
      <Trainings trainings={report.training_seeds} />
      {report.days && <Days days={report.days} />}
      <ArmTable report={report} />
      <h4 className="mc-title mc-grid-link">{trans.__('Task by task')}</h4>
      <button
        type="button"
        className="mc-button"
        onClick={() => {
          navigation.go('ablations', tasksSubject(report.number));
        }}
      >
        {trans.__('Every task, and what each arm did')}
      </button>
    </>
  );
}

/** Under what it ran, and what has to be known to judge it. */
function About({ report }: { report: AblationReport }): ReactElement {
  const { trans } = useView();
  const facts: [string, string][] = [
    [trans.__('Tasks'), report.tasks],
    [trans.__('Compared with'), report.reference],
    [trans.__('Seeds'), report.seeds.join(', ')],
    [trans.__('Attempts at each'), String(report.samples)],
    [trans.__('Begun'), exactly(report.created_at ?? 0)]
  ];
  if (report.seconds !== null) {
    facts.push([trans.__('Took'), duration(report.seconds, trans)]);
  }
  return (
    <section>
      <h4 className="mc-title">{trans.__('About this ablation')}</h4>
      <dl className="mc-facts">
        {facts.map(([name, value]) => (
          <React.Fragment key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </React.Fragment>
        ))}
      </dl>
      {report.notes.length > 0 && (
        <ul className="mc-ablation-notes">
          {report.notes.map(note => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </section>
  );
}
