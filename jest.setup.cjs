// Known noise: yjs warns of every cell that the notebook model makes before adding it to its document,
// and jsdom has no clipboard.
const expected =
  /^(Invalid access: Add Yjs type|\[yjs#509\]|Clipboard API not available)/;
const warn = console.warn;
console.warn = (...messages) => {
  if (!expected.test(String(messages[0]))) {
    warn(...messages);
  }
};
