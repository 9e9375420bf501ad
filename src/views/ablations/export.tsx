import type { Contents } from '@jupyterlab/services';
import { ServerConnection } from '@jupyterlab/services';
import React, { type ReactElement, useState } from 'react';
import type { AblationReport } from '../../api/schema';
import type { Ablations, ExportKind } from '../../models/ablations';
import { useView } from '../context';
import { Trouble } from '../notice';

interface IExport {
  model: Ablations;
  report: AblationReport;
}

/** Hands a run on: as a notebook that is opened here, or as a file for elsewhere. */
export function Export({ model, report }: IExport): ReactElement {
  const { commands, contents, trans } = useView();
  const [busy, setBusy] = useState<ExportKind>();
  const [failure, setFailure] = useState<Error>();
  const [told, setTold] = useState('');
  const { number } = report;

  const hand = async (kind: ExportKind): Promise<void> => {
    if (busy !== undefined) {
      return;
    }
    setBusy(kind);
    setFailure(undefined);
    try {
      const file = await model.file(number, kind);
      if (kind === 'ipynb') {
        const path = await save(contents, `ablation-${String(number)}`, file);
        setTold(trans.__('Saved as %1.', path));
        void commands.execute('docmanager:open', { path });
      } else {
        download(`ablation-${String(number)}.${EXTENSIONS[kind]}`, file);
        setTold('');
      }
    } catch (error) {
      setFailure(error instanceof Error ? error : new Error(String(error)));
    }
    setBusy(undefined);
  };
  const kinds: [ExportKind, string, string][] = [
    [
      'ipynb',
      trans.__('Notebook'),
      trans.__('Save it beside your notebooks, with its data, and open it')
    ],
    ['csv', trans.__('CSV'), trans.__('Every attempt, for a spreadsheet')],
    ['json', trans.__('JSON'), trans.__('The whole report')],
    ['vega', trans.__('Figure'), trans.__('The figure as Vega-Lite')]
  ];
  return (
    <section>
      <h4 className="mc-title" id="mc-ablation-export">
        {trans.__('Export')}
      </h4>
      <div
        className="mc-buttons"
        role="group"
        aria-labelledby="mc-ablation-export"
      >
        {kinds.map(([kind, label, title]) => (
          <button
            key={kind}
            type="button"
            className="mc-button"
            title={title}
            aria-busy={busy === kind}
            onClick={() => {
              void hand(kind);
            }}
          >
            {label}
          </button>
        ))}
      </div>
      <p className="mc-quiet" role="status">
        {told}
      </p>
      {failure && <Trouble error={failure} />}
    </section>
  );
}

const EXTENSIONS = { csv: 'csv', json: 'json', vega: 'vl.json' } as const;

/** Save a notebook under a name that is free yet; its path. */
async function save(
  contents: Contents.IManager,
  stem: string,
  file: Blob
): Promise<string> {
  const content: unknown = JSON.parse(await file.text());
  let path = `${stem}.ipynb`;
  for (let copy = 2; await isThere(contents, path); copy++) {
    path = `${stem}-${String(copy)}.ipynb`;
  }
  await contents.save(path, { type: 'notebook', format: 'json', content });
  return path;
}

async function isThere(
  contents: Contents.IManager,
  path: string
): Promise<boolean> {
  try {
    await contents.get(path, { content: false });
    return true;
  } catch (error) {
    if (
      error instanceof ServerConnection.ResponseError &&
      error.response.status === 404
    ) {
      return false;
    }
    throw error;
  }
}

function download(name: string, file: Blob): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
