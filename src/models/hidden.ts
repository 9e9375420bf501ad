/**
 * Characters that a reader does not see but a policy does, or that turn the
 * order of a line around: controls, formats, separators, blank letters,
 * variation selectors, tags. Line ends and tabs are none.
 */
export const HIDDEN =
  /(?![\n\r\t])(?:[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Variation_Selector}\u115f\u1160\u3164\uffa0\u2800]|\u17b4|\u17b5)/gu;

/** How a hidden character is shown: `U+202E`, in brackets that no text has by chance. */
export function codePoint(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return `⟦U+${code.toString(16).toUpperCase().padStart(4, '0')}⟧`;
}

/** A text with its hidden characters written out. */
export function visible(text: string): string {
  return text.replace(HIDDEN, codePoint);
}

/** How many hidden characters a text has. */
export function countHidden(text: string): number {
  return text.match(HIDDEN)?.length ?? 0;
}
