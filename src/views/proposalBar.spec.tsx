import { nullTranslator } from '@jupyterlab/translation';
import { MessageLoop } from '@lumino/messaging';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import { act, fireEvent, screen, waitFor } from '@testing-library/react';
import { type IProposal } from '../models/proposal';
import { proposedProvenance } from '../models/provenance';
import { type IProposalActs, type IShown, ProposalBar } from './proposalBar';

const trans = nullTranslator.load('metaclaw-jlab');
const mark = { trajectory: '0a1b2c', step: 1 };

const PROPOSAL: IProposal = {
  cell: 'cell',
  mark,
  state: 'proposed',
  provenance: proposedProvenance(
    mark,
    'x = 1',
    {
      skills: ['iso-dates', 'snake-names', 'totals', 'units'].map(name => ({
        name,
        sha256: ''
      })),
      generation: 7,
      adapter: null
    },
    null
  ),
  edited: false,
  protected: false
};

const SHOWN: IShown = {
  proposal: PROPOSAL,
  target: null,
  code: 'x = 1',
  barred: false,
  undoable: true
};

describe('the bar over a proposal', () => {
  let bar: ProposalBar;
  let shown: IShown | null;
  let done: string[];
  const changed = new Signal<object, void>({});

  beforeEach(() => {
    done = [];
    const note =
      (name: string) =>
      (cell = ''): void => {
        done.push(`${name} ${cell}`.trim());
      };
    const acts: IProposalActs = {
      accept: note('accept'),
      run: note('run'),
      reject: note('reject'),
      undo: note('undo'),
      why: note('why'),
      hide: note('hide')
    };
    bar = new ProposalBar({ changed, look: () => shown, acts, trans });
  });

  afterEach(() => {
    act(() => {
      bar.dispose();
    });
  });

  async function show(one: IShown | null): Promise<void> {
    shown = one;
    act(() => {
      Widget.attach(bar, document.body);
      MessageLoop.flush();
    });
    await waitFor(() => {
      expect(bar.node.childElementCount).toBe(one ? 1 : 0);
    });
  }

  const button = (name: string): HTMLElement =>
    screen.getByRole('button', { name });

  it('offers what can be done with it', async () => {
    await show(SHOWN);
    for (const name of ['Accept', 'Accept and run', 'Reject']) {
      fireEvent.click(button(name));
    }
    fireEvent.click(button('Why this answer'));
    expect(done).toEqual([
      'accept cell',
      'run cell',
      'reject cell',
      'why cell'
    ]);
  });

  it('names some skills, and how many there are beside them', async () => {
    await show(SHOWN);
    const text = bar.node.textContent;
    expect(text).toContain('uses iso-dates, snake-names and 2 more · g7');
    expect(bar.node.querySelector('[title*="units"]')).not.toBeNull();
  });

  it('offers nothing but why where it is protected', async () => {
    const proposal = { ...PROPOSAL, protected: true };
    await show({ ...SHOWN, proposal, barred: true });
    for (const name of ['Accept', 'Accept and run', 'Reject']) {
      expect(button(name)).toHaveProperty('disabled', true);
    }
    expect(bar.node.textContent).toContain('protected');
  });

  it('folds to whence it came', async () => {
    await show({
      ...SHOWN,
      proposal: { ...PROPOSAL, state: 'accepted', edited: true }
    });
    expect(bar.node.textContent).toContain('By MetaClaw, edited');
    expect(screen.queryByRole('button', { name: 'Accept' })).toBeNull();
    fireEvent.click(button('Undo'));
    fireEvent.click(button('Hide where cells came from'));
    expect(done).toEqual(['undo cell', 'hide']);
  });

  it('follows what becomes of it', async () => {
    await show(SHOWN);
    shown = null;
    act(() => {
      changed.emit();
    });
    await waitFor(() => {
      expect(bar.node.textContent).toBe('');
    });
  });
});
