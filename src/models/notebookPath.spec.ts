import { notebookName, notebookPath } from './notebookPath';

describe('the path of a notebook', () => {
  it.each([
    ['/home/ann/work/a.ipynb', '/home/ann/work', 'a.ipynb'],
    ['/home/ann/work/deep/a.ipynb', '/home/ann/work/', 'deep/a.ipynb'],
    ['/a.ipynb', '/', 'a.ipynb'],
    ['C:\\work\\deep\\a.ipynb', 'C:\\work', 'deep/a.ipynb'],
    ['deep/a.ipynb', '/home/ann/work', 'deep/a.ipynb']
  ])('of %j under %j is %j', (notebook, root, path) => {
    expect(notebookPath(notebook, root)).toBe(path);
  });

  it.each([
    ['/home/bob/a.ipynb', '/home/ann'],
    ['/home/anna/a.ipynb', '/home/ann'],
    ['/home/ann/../bob/a.ipynb', '/home/ann'],
    ['../a.ipynb', '/home/ann'],
    ['/home/ann/a.ipynb', ''],
    ['/home/ann/a.ipynb', undefined],
    ['an ipython session', '/home/ann'],
    ['', '/home/ann'],
    [null, '/home/ann']
  ])('of %j under %j is not known', (notebook, root) => {
    expect(notebookPath(notebook, root)).toBeNull();
  });
});

describe('the name of a notebook', () => {
  it('is without folders', () => {
    expect(notebookName('/home/ann/a.ipynb')).toBe('a.ipynb');
    expect(notebookName('C:\\work\\a.ipynb')).toBe('a.ipynb');
  });
});
