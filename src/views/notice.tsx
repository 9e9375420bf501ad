import React, { type ReactElement, type ReactNode } from 'react';
import { Refused, Unreachable } from '../api/failure';
import type { Resource } from '../models/resource';
import { useView } from './context';

interface INotice {
  title: string;
  children?: ReactNode;
}

/** What stands where there is nothing to show yet: what this is, and what fills it. */
export function Empty({ title, children }: INotice): ReactElement {
  return (
    <div className="mc-empty">
      <p className="mc-empty-title">{title}</p>
      {children}
    </div>
  );
}

/** What went wrong, and the next step. */
export function Trouble({ error }: { error: Error }): ReactElement {
  const { trans } = useView();
  const next =
    error instanceof Refused
      ? error.nextStep
      : error instanceof Unreachable
        ? trans.__('It is asked again by itself.')
        : '';
  return (
    <div className="mc-trouble" role="alert">
      <span aria-hidden="true">⚠</span> {error.message}
      {next && <span className="mc-next-step"> {next}</span>}
    </div>
  );
}

interface ILoaded<T> {
  resource: Resource<T>;
  children: (value: T) => ReactNode;
}

/**
 * A resource as soon as it is there; what was known stays when asking again
 * fails. That the server is gone is said once, over the tabs, and not here.
 */
export function Loaded<T>({ resource, children }: ILoaded<T>): ReactElement {
  const { trans } = useView();
  const { value, failure } = resource;
  const refused = failure && !(failure instanceof Unreachable);
  return (
    <>
      {refused && <Trouble error={failure} />}
      {value !== undefined && children(value)}
      {value === undefined && !refused && (
        <p className="mc-waiting">
          {failure
            ? trans.__('The server has not said yet.')
            : trans.__('Loading…')}
        </p>
      )}
    </>
  );
}
