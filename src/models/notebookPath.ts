/**
 * The path by which Jupyter knows a notebook that a task was asked in; null
 * where it lies outside of what Jupyter shows, or is no file. `root` is the
 * folder that Jupyter shows, as its server says.
 */
export function notebookPath(
  notebook: string | null,
  root: string | undefined
): string | null {
  const path = slashed(notebook ?? '');
  if (!path.toLowerCase().endsWith('.ipynb')) {
    return null;
  }
  const inside = isAbsolute(path) ? under(path, slashed(root ?? '')) : path;
  return inside === null || inside.split('/').includes('..') ? null : inside;
}

/** A notebook as people call it: its name, without the folders before it. */
export function notebookName(notebook: string): string {
  return slashed(notebook).split('/').at(-1) ?? notebook;
}

function slashed(path: string): string {
  // A drive is a Windows path; elsewhere a backslash may be part of a name.
  return /^[A-Za-z]:\\|^\\\\/.test(path) ? path.replaceAll('\\', '/') : path;
}

function isAbsolute(path: string): boolean {
  return path.startsWith('/') || /^[A-Za-z]:\//.test(path);
}

function under(path: string, root: string): string | null {
  const folder = root.endsWith('/') ? root : `${root}/`;
  return root !== '' && path.startsWith(folder)
    ? path.slice(folder.length)
    : null;
}
