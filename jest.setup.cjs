// yjs warns of every cell that the notebook model makes before adding it to its document.
const expected = /^(Invalid access: Add Yjs type|\[yjs#509\])/;
const warn = console.warn;
console.warn = (...messages) => {
  if (!expected.test(String(messages[0]))) {
    warn(...messages);
  }
};
