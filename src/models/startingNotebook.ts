import type { INotebookContent } from '@jupyterlab/nbformat';
import type { KernelSpec } from '@jupyterlab/services';
import { CELL_MAGIC } from '../tokens';

/** A notebook that begins with an agent cell; `spec` is the kernel that it is for. */
export function startingNotebook(
  spec: KernelSpec.ISpecModel | undefined
): INotebookContent {
  const kernel = spec && {
    kernelspec: {
      name: spec.name,
      display_name: spec.display_name,
      language: spec.language
    }
  };
  return {
    cells: [
      code('begin', '%load_ext metaclaw_jlab'),
      code('task', `${CELL_MAGIC}\n`)
    ],
    metadata: { ...kernel },
    nbformat: 4,
    nbformat_minor: 5
  };
}

/** The kernel that runs Python: the server's default, else the first that does; undefined where none does. */
export function pythonKernel(
  specs: KernelSpec.ISpecModels | null
): KernelSpec.ISpecModel | undefined {
  const all = Object.values(specs?.kernelspecs ?? {}).filter(
    spec => spec?.language.toLowerCase() === 'python'
  );
  return all.find(spec => spec?.name === specs?.default) ?? all[0];
}

function code(id: string, source: string): INotebookContent['cells'][number] {
  return {
    id,
    cell_type: 'code',
    execution_count: null,
    metadata: {},
    outputs: [],
    source
  };
}
