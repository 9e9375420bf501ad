import type { TranslationBundle } from '@jupyterlab/translation';
import type { Score, ScoreSource, StepMark, Unscored } from '../../api/schema';
import { type Outcome, signed, valueOf } from '../../models/scores';

/** Who gave a score. */
export function sourceWord(
  source: ScoreSource,
  trans: TranslationBundle
): string {
  switch (source) {
    case 'outcome':
      return trans.__('outcome');
    case 'judge':
      return trans.__('judge');
    case 'user':
      return trans.__('you');
  }
}

/** A score and who gave it; that there is none. */
export function scoreWord(
  score: Score | Unscored | null,
  trans: TranslationBundle
): string {
  const value = valueOf(score);
  return value !== null && score && 'source' in score
    ? trans.__('%1 by %2', signed(value), sourceWord(score.source, trans))
    : trans.__('no score');
}

/** How a task went, for those who do not see the sign. */
export function outcomeWord(
  outcome: Outcome,
  trans: TranslationBundle
): string {
  switch (outcome) {
    case 'open':
      return trans.__('under way');
    case 'right':
      return trans.__('done');
    case 'wrong':
      return trans.__('not done');
    case 'ended':
      return trans.__('broken off');
  }
}

/** The steps of a task in words, as its sparkline shows them. */
export function stepsWord(
  steps: readonly StepMark[],
  trans: TranslationBundle
): string {
  const told = steps.map(({ score, source, error }, index) => {
    const given =
      score === null || source === null
        ? trans.__('step %1 no score', index + 1)
        : trans.__(
            'step %1 %2 by %3',
            index + 1,
            signed(score),
            sourceWord(source, trans)
          );
    return error ? trans.__('%1, raised an error', given) : given;
  });
  return trans.__('Process reward: %1', told.join('; '));
}

/** A share between 0 and 1. */
export function share(value: number | null): string {
  return value === null ? '–' : value.toFixed(2);
}
