import type { ISharedCell } from '@jupyter/ydoc';
import { isAgentCell } from './agentCell';
import { isCodeCell } from './cellState';
import { type IMark, marksIn } from './mark';
import { isProtected } from './protection';
import {
  type IProvenance,
  isEdited,
  type ProposalState,
  readProvenance
} from './provenance';

/** A cell that the agent proposed. */
export interface IProposal {
  /** The id of the cell. */
  readonly cell: string;
  readonly mark: IMark;
  readonly state: ProposalState;
  /** What its metadata say; null where nobody has written them yet. */
  readonly provenance: IProvenance | null;
  /** Whether its code is another than what was proposed. */
  readonly edited: boolean;
  readonly protected: boolean;
}

/**
 * What a cell is as a proposal; null where it is none, and where it has the
 * marks of several, which the kernel links to none of them either.
 */
export function proposalIn(cell: ISharedCell): IProposal | null {
  if (!isCodeCell(cell)) {
    return null;
  }
  const source = cell.getSource();
  const metadata = cell.getMetadata();
  const provenance = readProvenance(metadata);
  const marks = source.includes('metaclaw:') ? marksIn(source) : [];
  if (marks.length > 1 || isAgentCell(source)) {
    return null;
  }
  const mark = marks[0] ?? provenance;
  if (!mark) {
    return null;
  }
  // A cell whose mark was changed by hand is a proposal of what it says now.
  const told =
    provenance?.trajectory === mark.trajectory && provenance.step === mark.step
      ? provenance
      : null;
  const ran = cell.execution_count !== null || cell.outputs.length > 0;
  return {
    cell: cell.getId(),
    mark: { trajectory: mark.trajectory, step: mark.step },
    state: told?.state ?? (ran ? 'accepted' : 'proposed'),
    provenance: told,
    edited: told !== null && isEdited(told, source),
    protected: isProtected(metadata)
  };
}
