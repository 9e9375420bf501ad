import { screen } from '@testing-library/react';
import React from 'react';
import type { Changes } from '../../api/schema';
import { FakeServer } from '../../testing/server';
import { draw } from '../../testing/view';
import { Changed } from './changed';

const NOTHING: Changes = {
  added: [],
  removed: [],
  changed: [],
  left_out: { added: 0, removed: 0, changed: 0 }
};

function shown(changes: Partial<Changes>, most: number): string[] {
  draw(
    <Changed changes={{ ...NOTHING, ...changes }} most={most} />,
    new FakeServer(() => ({}))
  );
  return screen.queryAllByRole('listitem').map(item => item.textContent);
}

describe('Changed', () => {
  it('counts what the view leaves out', () => {
    expect(shown({ added: ['a', 'b', 'c'] }, 2)).toEqual([
      '+ added aband 1 more'
    ]);
  });

  it('counts what the server left out, of each kind', () => {
    const left_out = { added: 900, removed: 0, changed: 7 };
    expect(
      shown({ added: ['a'], removed: ['b'], changed: ['c'], left_out }, 2)
    ).toEqual([
      '+ added aand 900 more',
      '~ changed cand 7 more',
      '− removed b'
    ]);
  });

  it('says where there is nothing', () => {
    expect(shown({}, 2)).toEqual([]);
    expect(screen.getByText('no change')).toBeTruthy();
  });
});
