import { ReactWidget } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import React, { type ReactElement, useEffect } from 'react';
import type { Finding } from '../api/schema';
import type { Doctor } from '../models/doctor';
import { Ago } from './ago';
import { type IViewContext, useView, ViewContext } from './context';
import { Copyable } from './copyable';
import { useSignal } from './hooks';
import { Trouble } from './notice';

const SIGNS: Record<Finding['level'], string> = {
  ok: '✓',
  warn: '!',
  fail: '✗'
};

/** The doctor in the main area. */
export class DoctorPanel extends ReactWidget {
  constructor(
    private readonly _context: IViewContext,
    private readonly _doctor: Doctor
  ) {
    super();
    this.id = 'metaclaw-doctor';
    this.addClass('mc-main');
  }

  protected override render(): ReactElement {
    return (
      <ViewContext.Provider value={this._context}>
        <div className="mc-page">
          <DoctorCard doctor={this._doctor} />
        </div>
      </ViewContext.Provider>
    );
  }
}

/** What works here and what does not, and what mends it. It looks when it is first shown, then when it is told to. */
export function DoctorCard({ doctor }: { doctor: Doctor }): ReactElement {
  const { trans } = useView();
  useSignal(doctor.changed);
  useEffect(() => {
    if (!doctor.diagnosis) {
      void doctor.look();
    }
  }, [doctor]);
  const { diagnosis, failure, looking } = doctor;
  const well = doctor.findings('ok');
  return (
    <section
      className="mc-doctor"
      aria-busy={looking}
      aria-labelledby="mc-doctor-title"
    >
      <h2 className="mc-title">
        {trans.__('What works here, and what does not')}
      </h2>
      <p className="mc-doctor-said" role="status">
        {looking
          ? trans.__('Looking… this takes some seconds.')
          : diagnosis && summaryOf(doctor, trans)}
        {!looking && diagnosis && (
          <span className="mc-quiet">
            {' '}
            <Ago at={doctor.at} />
          </span>
        )}
      </p>
      <div className="mc-buttons">
        <Look doctor={doctor} label={trans.__('Look again')} />
        {diagnosis?.startable === true && (
          <Look
            doctor={doctor}
            label={trans.__('Start the local policy, and look')}
            start
          />
        )}
      </div>
      {failure && <Trouble error={failure} />}
      <ul className="mc-findings">
        {doctor.findings('fail', 'warn').map(finding => (
          <Found key={finding.name} finding={finding} />
        ))}
      </ul>
      {well.length > 0 && (
        <details className="mc-doctor-well">
          <summary>
            {trans._n(
              'One part is well',
              '%1 parts are well',
              well.length,
              well.length
            )}
          </summary>
          <ul className="mc-findings">
            {well.map(finding => (
              <Found key={finding.name} finding={finding} />
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

interface ILook {
  doctor: Doctor;
  label: string;
  start?: boolean;
}

function Look({ doctor, label, start = false }: ILook): ReactElement {
  return (
    <button
      type="button"
      className="mc-button"
      aria-disabled={doctor.looking}
      onClick={() => {
        void doctor.look(start);
      }}
    >
      {label}
    </button>
  );
}

function Found({ finding }: { finding: Finding }): ReactElement {
  const { trans } = useView();
  const { level, name, sentence } = finding;
  return (
    <li className={`mc-finding mc-finding-${level}`}>
      <p className="mc-finding-head">
        <span className="mc-finding-sign" aria-hidden="true">
          {SIGNS[level]}
        </span>
        <span className="mc-heard">{levelInWords(level, trans)}</span>{' '}
        <strong>{name}</strong>
      </p>
      <p className="mc-finding-said">{sentence}</p>
      {finding.next_step && (
        <p className="mc-finding-next">{finding.next_step}</p>
      )}
      {finding.command && <Copyable command={finding.command} />}
    </li>
  );
}

function summaryOf(doctor: Doctor, trans: TranslationBundle): string {
  const bad = doctor.findings('fail').length;
  const warned = doctor.findings('warn').length;
  if (bad === 0 && warned === 0) {
    return trans.__('All is well.');
  }
  return [
    bad > 0 && trans._n('%1 failure', '%1 failures', bad, bad),
    warned > 0 && trans._n('%1 warning', '%1 warnings', warned, warned)
  ]
    .filter(Boolean)
    .join(', ');
}

function levelInWords(
  level: Finding['level'],
  trans: TranslationBundle
): string {
  switch (level) {
    case 'ok':
      return trans.__('Well:');
    case 'warn':
      return trans.__('Warning:');
    case 'fail':
      return trans.__('Failure:');
  }
}
