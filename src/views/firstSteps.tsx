import type { TranslationBundle } from '@jupyterlab/translation';
import React, { type ReactElement } from 'react';
import type { Status, TaskRow } from '../api/schema';
import type { FirstSteps, IStep } from '../models/firstSteps';
import { CommandIDs } from '../tokens';
import { useView } from './context';
import { Copyable } from './copyable';
import { useSignal } from './hooks';

/** What is not as it should be yet, and what to do next: nothing at all where all is well. */
export function FirstStepsView(known: IKnown): ReactElement | null {
  const { firstSteps } = useView();
  return firstSteps ? <Steps first={firstSteps} {...known} /> : null;
}

interface IKnown {
  status: Status | undefined;
  /** The last task. */
  newest?: TaskRow | undefined;
}

interface ISteps extends IKnown {
  first: FirstSteps;
}

function Steps({ first, status, newest }: ISteps): ReactElement | null {
  const { connection, trans } = useView();
  useSignal(first.changed);
  useSignal(connection.stateChanged);
  const steps = first.steps(connection, status, newest);
  if (steps.length === 0) {
    return null;
  }
  return (
    <section className="mc-first" aria-label={trans.__('What to do next')}>
      {steps.map((step, index) => (
        <Step
          key={step.id}
          first={first}
          step={step}
          status={status}
          isFirst={index === 0}
        />
      ))}
    </section>
  );
}

interface IStepView {
  first: FirstSteps;
  step: IStep;
  status: Status | undefined;
  /** Whether it is the first: of hints that one is open. */
  isFirst: boolean;
}

function Step({ first, step, status, isFirst }: IStepView): ReactElement {
  const { commands, trans } = useView();
  const { title, text, command, act } = wordsOf(step, status, trans);
  const able = act?.command !== undefined && commands.hasCommand(act.command);
  const rest = (
    <>
      <p className="mc-step-text">{text}</p>
      {command !== undefined && <Copyable command={command} />}
      <div className="mc-buttons">
        {act && (act.run ?? able) && (
          <button
            type="button"
            className="mc-button"
            onClick={() => {
              if (act.run) {
                act.run();
              } else if (act.command !== undefined) {
                void commands.execute(act.command);
              }
            }}
          >
            {act.label}
          </button>
        )}
        {step.kind === 'hint' && (
          <button
            type="button"
            className="mc-link"
            aria-label={trans.__('Hide the hint: %1', title)}
            onClick={() => {
              first.putAway(step.id);
            }}
          >
            {trans.__('Hide')}
          </button>
        )}
      </div>
    </>
  );
  if (step.kind === 'hint') {
    return (
      <details className="mc-step" data-step={step.id} open={isFirst}>
        <summary className="mc-step-title">{title}</summary>
        {rest}
      </details>
    );
  }
  return (
    <div className="mc-step mc-step-trouble" data-step={step.id} role="alert">
      <p className="mc-step-title">
        <span aria-hidden="true">⚠ </span>
        {title}
      </p>
      {rest}
    </div>
  );
}

interface IWords {
  title: string;
  text: string;
  /** A command to copy. */
  command?: string;
  /** A button. */
  act?: { label: string; command?: string; run?: () => void };
}

function wordsOf(
  { id, is, should }: IStep,
  status: Status | undefined,
  trans: TranslationBundle
): IWords {
  switch (id) {
    case 'page-old':
      return {
        title: trans.__('This page is of another version than its server'),
        text: trans.__(
          'The page was loaded with version %1, the server is of %2. What is shown may be wrong until the page is loaded again.',
          is ?? '?',
          should ?? '?'
        ),
        act: {
          label: trans.__('Reload the page'),
          run: () => {
            window.location.reload();
          }
        }
      };
    case 'kernel-old':
      return {
        title: trans.__("This notebook's kernel is of another version"),
        text: trans.__(
          'The kernel runs version %1, the server %2. Restart the kernel; where that does not help, both use different environments:',
          is ?? '?',
          should ?? '?'
        ),
        command: `%pip install "metaclaw-jlab==${should ?? ''}"`,
        act: {
          label: trans.__('Restart the kernel'),
          command: 'notebook:restart-kernel'
        }
      };
    case 'kernel-elsewhere':
      return {
        title: trans.__("This notebook's kernel works in another home"),
        text: trans.__(
          'What it learns does not appear here. Start Jupyter and the kernel with the same METACLAW_HOME, or see where the kernel works:'
        ),
        command: '%metaclaw status'
      };
    case 'no-answer':
      return {
        title: trans.__('The policy did not answer the last task'),
        text: trans.__(
          'Open the task below to see what was wrong. Mend that, or connect to another model:'
        ),
        command: '%metaclaw connect URL --save',
        act: {
          label: trans.__('Look whether all is in order'),
          command: CommandIDs.doctor
        }
      };
    case 'practice-only':
      return {
        title: trans.__('A small practice model answers'),
        text: trans.__(
          'It needs no account and no GPU, and it knows only the practice tasks. For your own work have a model of this machine answer (%metaclaw local qwen2.5-coder-1.5b), or connect to one:'
        ),
        command: '%metaclaw connect http://localhost:11434/v1 --save',
        act: {
          label: trans.__('Open the settings'),
          command: CommandIDs.openSettings
        }
      };
    case 'no-skills':
      return {
        title: trans.__('No skills yet'),
        text: trans.__(
          'They come from tasks that went wrong: from checks that failed, and from what you say about an answer. Ask for something, and say what was wrong with it.'
        ),
        act: {
          label: trans.__('New agent cell'),
          command: CommandIDs.newAgentCell
        }
      };
    case 'no-gpu':
      return {
        title: trans.__('No GPU'),
        text:
          status?.practice_only === true
            ? trans.__(
                'The practice model does without one: it answers and learns on the CPU. For a larger local model use a machine with an NVIDIA GPU.'
              )
            : trans.__(
                'The local model answers and learns on the CPU, which is slow. An endpoint is quicker:'
              ),
        ...(status?.practice_only === true
          ? {}
          : { command: '%metaclaw connect URL --save' })
      };
  }
}
