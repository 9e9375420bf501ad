import type { KernelSpec } from '@jupyterlab/services';
import { pythonKernel, startingNotebook } from './startingNotebook';

function specs(
  byDefault: string,
  languages: Record<string, string>
): KernelSpec.ISpecModels {
  const kernelspecs = Object.fromEntries(
    Object.entries(languages).map(([name, language]) => [
      name,
      { name, language, display_name: name } as KernelSpec.ISpecModel
    ])
  );
  return { default: byDefault, kernelspecs };
}

describe('a starting notebook', () => {
  it('loads the extension, and then has a task', () => {
    const sources = startingNotebook(undefined).cells.map(cell => cell.source);
    expect(sources).toEqual(['%load_ext metaclaw_jlab', '%%metaclaw\n']);
  });

  it('is for the kernel that is given', () => {
    const kernel = pythonKernel(specs('python3', { python3: 'python' }));
    expect(startingNotebook(kernel).metadata.kernelspec?.name).toBe('python3');
  });

  it('is for Python, whatever the default is', () => {
    const all = { ir: 'R', conda: 'python', python3: 'Python' };
    expect(pythonKernel(specs('ir', all))?.name).toBe('conda');
    expect(pythonKernel(specs('python3', all))?.name).toBe('python3');
  });

  it('is for no kernel where none runs Python', () => {
    expect(pythonKernel(specs('ir', { ir: 'R' }))).toBeUndefined();
    expect(pythonKernel(null)).toBeUndefined();
    expect(startingNotebook(undefined).metadata).toEqual({});
  });
});
