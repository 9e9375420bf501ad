import { ReactWidget } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import React, { type ReactElement, type ReactNode } from 'react';
import type { IProposal } from '../models/proposal';
import type { IProvenance } from '../models/provenance';
import { CodeDifference } from './codeDifference';
import { useSignal } from './hooks';

/** What can be done from the bar over a proposal. */
export interface IProposalActs {
  accept: (cell: string) => void;
  run: (cell: string) => void;
  reject: (cell: string) => void;
  undo: (cell: string) => void;
  why: (cell: string) => void;
  /** Show where cells came from no more. */
  hide: () => void;
}

/** What a bar shows of a proposal. */
export interface IShown {
  readonly proposal: IProposal;
  /** The text of the cell that it would change; null where it stands for itself. */
  readonly target: string | null;
  /** Its code, which would be the text of that cell. */
  readonly code: string;
  /** Whether it must not be accepted, for what it touches is protected. */
  readonly barred: boolean;
  /** Whether the last thing that was done with it can be undone. */
  readonly undoable: boolean;
}

interface IBar {
  changed: ISignal<unknown, void>;
  /** null where the cell is none, or nothing is to be said of it. */
  look: () => IShown | null;
  acts: IProposalActs;
  trans: TranslationBundle;
}

/** The bar over a cell that the agent proposed. */
export class ProposalBar extends ReactWidget {
  constructor(private readonly _bar: IBar) {
    super();
    this.addClass('mc-proposal-place');
    // Keys belong to the buttons here, and not to the notebook.
    this.node.setAttribute('data-lm-suppress-shortcuts', 'true');
  }

  protected override render(): ReactElement {
    return <Bar {...this._bar} />;
  }
}

function Bar({ changed, look, acts, trans }: IBar): ReactElement | null {
  useSignal(changed);
  const shown = look();
  if (!shown) {
    return null;
  }
  return shown.proposal.state === 'proposed' ? (
    <Waiting shown={shown} acts={acts} trans={trans} />
  ) : (
    <Decided shown={shown} acts={acts} trans={trans} />
  );
}

interface IPart {
  shown: IShown;
  acts: IProposalActs;
  trans: TranslationBundle;
}

function Waiting({ shown, acts, trans }: IPart): ReactElement {
  const { proposal, barred, target } = shown;
  const { cell } = proposal;
  return (
    <div
      className="mc-proposal"
      role="group"
      aria-label={trans.__('Proposal of MetaClaw')}
    >
      <div className="mc-proposal-line">
        <span className="mc-proposal-who">
          {target === null
            ? trans.__('MetaClaw proposes')
            : trans.__('MetaClaw proposes a change')}
        </span>
        <Whence provenance={proposal.provenance} trans={trans} />
        {barred && (
          <span className="mc-proposal-barred">
            <span aria-hidden="true">⚿ </span>
            {trans.__('protected: left as it is')}
          </span>
        )}
        <span className="mc-proposal-acts">
          <Act
            keys="⏎"
            primary
            disabled={barred}
            onClick={() => {
              acts.accept(cell);
            }}
          >
            {trans.__('Accept')}
          </Act>
          <Act
            keys="⇧⏎"
            label={trans.__('Accept and run')}
            disabled={barred}
            onClick={() => {
              acts.run(cell);
            }}
          >
            {trans.__('Run')}
          </Act>
          <Act
            keys="⎋"
            disabled={proposal.protected}
            onClick={() => {
              acts.reject(cell);
            }}
          >
            {trans.__('Reject')}
          </Act>
          <Act
            label={trans.__('Why this answer')}
            onClick={() => {
              acts.why(cell);
            }}
          >
            {trans.__('Why')}
          </Act>
        </span>
      </div>
      {target !== null && (
        <CodeDifference
          before={target}
          after={shown.code}
          label={trans.__('What would change in the cell')}
        />
      )}
    </div>
  );
}

function Decided({ shown, acts, trans }: IPart): ReactElement {
  const { proposal, undoable } = shown;
  return (
    <div
      className="mc-proposal mc-mod-decided"
      role="group"
      aria-label={trans.__('Where this cell came from')}
    >
      <div className="mc-proposal-line">
        <span className="mc-proposal-who">
          {proposal.edited
            ? trans.__('By MetaClaw, edited')
            : trans.__('By MetaClaw')}
        </span>
        <Whence provenance={proposal.provenance} trans={trans} />
        <span className="mc-proposal-acts">
          {undoable && (
            <Act
              onClick={() => {
                acts.undo(proposal.cell);
              }}
            >
              {trans.__('Undo')}
            </Act>
          )}
          <Act
            label={trans.__('Why this answer')}
            onClick={() => {
              acts.why(proposal.cell);
            }}
          >
            {trans.__('Why')}
          </Act>
          <Act
            label={trans.__('Hide where cells came from')}
            onClick={() => {
              acts.hide();
            }}
          >
            {trans.__('Hide')}
          </Act>
        </span>
      </div>
    </div>
  );
}

interface IWhence {
  provenance: IProvenance | null;
  trans: TranslationBundle;
}

/** So many skills are named; the others are in the tooltip. */
const NAMED = 2;

function Whence({ provenance, trans }: IWhence): ReactElement | null {
  if (!provenance) {
    return null;
  }
  const { skills, generation, adapter } = provenance;
  const names = skills.map(skill => skill.name);
  const more = names.length - NAMED;
  const parts: string[] = [];
  if (names.length > 0) {
    const named = names.slice(0, NAMED).join(', ');
    parts.push(
      more > 0
        ? trans._n('uses %2 and %1 more', 'uses %2 and %1 more', more, named)
        : trans.__('uses %1', named)
    );
  }
  if (generation !== null) {
    parts.push(`g${String(generation)}`);
  }
  if (adapter !== null) {
    parts.push(`v${String(adapter)}`);
  }
  return (
    <span className="mc-proposal-whence" title={names.join(', ')}>
      {parts.join(' · ')}
    </span>
  );
}

interface IAct {
  children: ReactNode;
  onClick: () => void;
  keys?: string;
  label?: string;
  primary?: boolean;
  disabled?: boolean;
}

function Act(props: IAct): ReactElement {
  const { children, keys, label, primary, disabled, onClick } = props;
  return (
    <button
      type="button"
      className={primary ? 'mc-cell-act mc-mod-primary' : 'mc-cell-act'}
      aria-label={label}
      title={label}
      disabled={disabled}
      onClick={onClick}
    >
      {children}
      {keys && (
        <kbd className="mc-keys" aria-hidden="true">
          {keys}
        </kbd>
      )}
    </button>
  );
}
