import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { fireEvent, render, screen } from '@testing-library/react';
import React from 'react';
import type { Word } from '../models/said';
import { readTaskFacts } from '../models/taskFacts';
import { type ITaskWords, TaskCard } from './taskCard';

const trans = nullTranslator.load('metaclaw-jlab');

class Words implements ITaskWords {
  readonly changed = new Signal<this, void>(this);
  readonly done: string[] = [];
  looks = 0;
  said: Word | null = null;

  word = (): Word | null => this.said;
  look = (): void => {
    this.looks += 1;
  };
  say = (_: string, word: Word, reason: string): void => {
    this.done.push(`${word} ${reason}`.trim());
  };
  takeBack = (): void => {
    this.done.push('taken back');
  };
  why = (trajectory: string): void => {
    this.done.push(`why ${trajectory}`);
  };
}

function show(words: Words, more: object = {}): void {
  const facts = readTaskFacts({
    version: 1,
    trajectory: '0a1b2c',
    sentence: 'MetaClaw: done · <b>1 step</b>',
    ...more
  });
  if (facts) {
    render(<TaskCard facts={facts} words={words} trans={trans} />);
  }
}

const button = (name: string): HTMLElement =>
  screen.getByRole('button', { name });

describe('the line of a task', () => {
  let words: Words;

  beforeEach(() => {
    words = new Words();
  });

  it('is shown as text, whatever is in it', () => {
    show(words);
    expect(screen.getByText('MetaClaw: done · <b>1 step</b>')).toBeTruthy();
  });

  it('leaves the magic away that its button stands for', () => {
    show(words, { sentence: 'MetaClaw: done · g7 · %metaclaw why' });
    expect(screen.getByText('MetaClaw: done · g7')).toBeTruthy();
  });

  it('keeps a magic that no button stands for', () => {
    const sentence = 'MetaClaw: the step has run · g7 · %metaclaw next';
    show(words, { sentence });
    expect(screen.getByText(sentence)).toBeTruthy();
  });

  it('takes a good word at once', () => {
    show(words);
    fireEvent.click(button('Done right'));
    expect(words.done).toEqual(['good']);
  });

  it('asks what was wrong, and does not insist', () => {
    show(words);
    fireEvent.click(button('Not done right'));
    expect(words.done).toEqual([]);
    fireEvent.click(button('Send'));
    expect(words.done).toEqual(['bad']);
  });

  it('hands on what was wrong', () => {
    show(words);
    fireEvent.click(button('Not done right'));
    fireEvent.change(screen.getByRole('textbox'), {
      target: { value: ' wrong column ' }
    });
    fireEvent.click(button('Send'));
    expect(words.done).toEqual(['bad wrong column']);
    expect(screen.queryByRole('textbox')).toBeNull();
  });

  it('sends what was wrong with Enter, and gives the focus back', () => {
    show(words);
    fireEvent.click(button('Not done right'));
    const field = screen.getByRole('textbox');
    fireEvent.change(field, { target: { value: 'wrong column' } });
    fireEvent.keyDown(field, { key: 'Enter', isComposing: true });
    expect(words.done).toEqual([]);
    fireEvent.keyDown(field, { key: 'Enter' });
    expect(words.done).toEqual(['bad wrong column']);
    expect(document.activeElement).toBe(button('Not done right'));
  });

  it('leaves Enter on a button of the question to the button', () => {
    show(words);
    fireEvent.click(button('Not done right'));
    fireEvent.keyDown(button('Cancel'), { key: 'Enter' });
    expect(words.done).toEqual([]);
  });

  it('says nothing where the user thinks better of it', () => {
    show(words);
    fireEvent.click(button('Not done right'));
    fireEvent.keyDown(screen.getByRole('textbox'), { key: 'Escape' });
    expect(screen.queryByRole('textbox')).toBeNull();
    expect(words.done).toEqual([]);
    expect(document.activeElement).toBe(button('Not done right'));
  });

  it.each([
    ['good', 'Done right'],
    ['bad', 'Not done right']
  ] as const)('takes a %s word back when it is pressed again', (word, name) => {
    words.said = word;
    show(words);
    expect(button(name).getAttribute('aria-pressed')).toBe('true');
    fireEvent.click(button(name));
    expect(words.done).toEqual(['taken back']);
  });

  it('takes no word on a proposal that waits', () => {
    show(words, { waits: true });
    expect(screen.queryByRole('button', { name: 'Done right' })).toBeNull();
    expect(words.looks).toBe(0);
    fireEvent.click(button('Why this answer'));
    expect(words.done).toEqual(['why 0a1b2c']);
  });
});
