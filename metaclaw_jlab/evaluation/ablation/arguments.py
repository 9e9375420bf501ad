"""The words of `ablate`, the same for the magic and the command line: a plan out of them, and back."""

from __future__ import annotations

import argparse
import json
import os
import shlex
from collections.abc import Sequence
from dataclasses import fields

from metaclaw_jlab.core.ablation import AblationPlan, Budget, Days
from metaclaw_jlab.core.arm import Arm, Learning
from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.core.power import Discordant, about, smallest_difference, tasks_needed
from metaclaw_jlab.evaluation.ablation.arms import PAPER, PRESETS, changed, learners, parse_arm, parse_arms

ACTIONS = ("list", "show", "stop", "resume", "export", "delete", "arms", "tasks")
KINDS = ("ipynb", "csv", "json", "vega")
TASKS = "practice:held-out"
PRACTICE_DAYS = Days(number=6, tasks=24, nights=3)  # learns from as many tasks as the demo does
_USUAL = 100  # test tasks
_PARALLEL = 8
_DISCORDANT = 0.3  # of pairs, where nothing is known yet
_ARM_PARTS = ("skills", "generation", "adapter", "temperature")


def add_ablate_arguments(parser: argparse.ArgumentParser) -> None:
    """What both surfaces take. `action` is None where a new ablation is meant; no option has a default but None, so
    that a surface can tell whether anything was asked for (`asks_for_a_plan`)."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=ACTIONS,
        help="list the ablations; show, stop, resume, export or delete one; list the arms, or the sets of tasks; "
        "nothing for a new ablation",
    )
    parser.add_argument("number", nargs="?", type=_positive, metavar="N", help="the number of an ablation")
    what = parser.add_argument_group("what is compared")
    what.add_argument(
        "--arms", metavar="NAME,...", help=f"arms by name (default: {','.join(PAPER)}; see: ablate arms)"
    )
    what.add_argument(
        "--arm",
        action="append",
        metavar="NAME=PRESET,KEY=VALUE,...",
        help="one more arm: a preset with some parts otherwise, such as few=skills,skills.max_skills=1",
    )
    what.add_argument("--reference", metavar="NAME", help="the arm to compare with (default: the first)")
    what.add_argument("--tasks", metavar="SPEC", help=f"a set of tasks (default: {TASKS}; see: ablate tasks)")
    what.add_argument("--n", type=_positive, help=f"test tasks at most (default: {_USUAL})")
    what.add_argument("--seeds", metavar="N|S,S,...", help="so many seeds, or these (default: 1)")
    what.add_argument("--samples", type=_positive, metavar="N", help="attempts at a task with each seed")
    what.add_argument("--set", action="append", metavar="KEY=VALUE", help="a setting, in all arms")
    days = parser.add_argument_group("learning on the way")
    days.add_argument(
        "--days",
        type=_count,
        metavar="D",
        help="each arm learns from a stream of so many days before its test; 0: all arms do their test on a frozen "
        f"copy of this home (default: {PRACTICE_DAYS.number} where tasks are practice tasks, else 0)",
    )
    days.add_argument("--day-tasks", type=_positive, metavar="N", help="tasks a day (default: 24)")
    days.add_argument(
        "--nights", type=_positive, metavar="K", help="weights may train after every K-th day (default: 3)"
    )
    budget = parser.add_argument_group("what it may use")
    budget.add_argument("--budget-minutes", type=_amount, metavar="M", help="minutes")
    budget.add_argument("--budget-tokens", type=_positive, metavar="T", help="tokens, read and written")
    budget.add_argument("--budget-money", type=_amount, metavar="X", help="money, which takes --prices")
    budget.add_argument("--prices", metavar="IN,OUT", help="prices of a million tokens read and written")
    budget.add_argument("--parallel", type=_positive, metavar="P", help="processes at once")
    parser.add_argument("--detach", action="store_true", help="beside you, in a process of its own")
    parser.add_argument("--plan-only", action="store_true", help="tell what would be done, and do nothing")
    parser.add_argument("--as", dest="kind", choices=KINDS, help="what to export (default: ipynb)")


def asks_for_a_plan(arguments: argparse.Namespace) -> bool:
    """Whether any option of a new ablation was given."""
    options = (*_PLANNING, *_BUDGET, "days")
    return (
        arguments.detach
        or arguments.plan_only
        or any(getattr(arguments, name) is not None for name in options)
    )


def check_arguments(arguments: argparse.Namespace) -> None:
    """See that the words go together. Raises UsageMistake."""
    action, number = arguments.action, arguments.number
    options = (*_PLANNING, "days", *(_BUDGET if action != "resume" else ()))
    if action is not None and any(getattr(arguments, name) is not None for name in options):
        raise UsageMistake(f"`ablate {action}` plans nothing.", "Leave the options of a new ablation out.")
    needs = action in ("show", "stop", "resume", "export", "delete")
    if needs and number is None:
        raise UsageMistake(f"Which ablation is meant by {action}?", "Put its number. See: ablate list.")
    if number is not None and not needs:
        raise UsageMistake(f"{number} of what?", f"Numbers go behind show, stop and the like: show {number}.")
    if arguments.kind is not None and action != "export":
        raise UsageMistake("--as is for an export.", "Such as: ablate export 3 --as csv.")
    if arguments.plan_only and action is not None:
        raise UsageMistake(f"--plan-only is for a new ablation, not for {action}.", "Leave one of them out.")
    if arguments.detach and action not in (None, "resume"):
        raise UsageMistake(f"`ablate {action}` runs nothing.", "Leave --detach out.")


def plan_from(arguments: argparse.Namespace) -> AblationPlan:
    """The plan that the words ask for. Raises UsageMistake."""
    extra = tuple(parse_arm(line) for line in arguments.arm or ())
    words = arguments.arms if arguments.arms is not None or extra else ",".join(PAPER)
    arms = (*(parse_arms(words) if words is not None else ()), *extra)
    tasks = arguments.tasks or TASKS
    return AblationPlan(
        arms=arms,
        tasks=tasks,
        reference=arguments.reference or arms[0].name,
        n=arguments.n or _USUAL,
        seeds=_seeds(arguments.seeds),
        samples=arguments.samples or 1,
        days=days_of(tasks, arguments.days, arguments.day_tasks, arguments.nights),
        budget=budget_from(arguments) or Budget(),
        parallel=arguments.parallel or max(1, min(_PARALLEL, os.cpu_count() or 1)),
        settings=_settings(arguments.set or ()),
    )


def days_of(
    tasks: str, number: int | None = None, day_tasks: int | None = None, nights: int | None = None
) -> Days | None:
    """The stream before the test; None for none. Without a number practice tasks have one and others have none.
    Raises UsageMistake."""
    if number is None:
        number = PRACTICE_DAYS.number if tasks.partition(":")[0] == "practice" else 0
    if number:
        usual = min(number, PRACTICE_DAYS.nights)
        return Days(number, day_tasks or PRACTICE_DAYS.tasks, nights=nights or usual)
    if day_tasks or nights:
        raise UsageMistake("There are no days for --day-tasks and --nights.", "Put --days.")
    return None


def command_of(plan: AblationPlan) -> str:
    """The command line that asks for this plan again."""
    words = ["metaclaw", "ablate"]
    # The order of arms is kept only where presets come first; else every arm is written out.
    listed = [arm.name for arm in plan.arms if _is_preset(arm)]
    first = [arm.name for arm in plan.arms[: len(listed)]]
    named = listed if listed == first else []
    if named:
        words += ["--arms", ",".join(named)]
    for arm in plan.arms[len(named) :]:
        words += ["--arm", arm_line(arm)]
    days, budget = plan.days, plan.budget
    words += ["--tasks", plan.tasks, "--n", str(plan.n), "--seeds", seed_words(plan.seeds)]
    words += ["--samples", str(plan.samples)] if plan.samples > 1 else []
    words += ["--reference", plan.reference] if plan.reference != plan.arms[0].name else []
    words += ["--days", str(days.number if days else 0)]
    if days is not None:
        words += ["--day-tasks", str(days.tasks), "--nights", str(days.nights)]
    words += ["--budget-minutes", f"{budget.seconds / 60:g}"] if budget.seconds is not None else []
    words += ["--budget-tokens", str(budget.tokens)] if budget.tokens is not None else []
    words += ["--budget-money", f"{budget.money:g}"] if budget.money is not None else []
    if budget.prompt_price or budget.completion_price:
        words += ["--prices", f"{budget.prompt_price:g},{budget.completion_price:g}"]
    for key, value in plan.settings.items():
        words += ["--set", f"{key}={_word(value)}"]
    return shlex.join(words)


def arm_line(arm: Arm) -> str:
    """The line that `parse_arm` makes this arm of, from the preset that takes the fewest changes."""
    lines = [
        [name, *(f"{key}={_word(value)}" for key, value in changes.items())]
        for name, preset in PRESETS.items()
        if (changes := _changes(preset.arm, arm)) is not None
    ]
    shortest = min(lines, key=len)
    return f"{arm.name}={','.join(shortest)}"


def seed_words(seeds: Sequence[int]) -> str:
    """Seeds as --seeds takes them."""
    if list(seeds) == list(range(1, len(seeds) + 1)):
        return str(len(seeds))
    return ",".join(map(str, seeds)) + ("," if len(seeds) == 1 else "")


def expected_power(plan: AblationPlan, test_tasks: int) -> str:
    """What so many test tasks can show, before anything is known of how often the arms will differ."""
    from metaclaw_jlab.evaluation.ablation.plans import is_practice
    from metaclaw_jlab.evaluation.ablation.report import pairs_of

    streams = len(plan.seeds) if plan.days is not None else 1
    # Practice draws other tasks with each seed; a user's own are the same, and a task counts once.
    tasks, family = test_tasks * (streams if is_practice(plan.tasks) else 1), max(1, len(pairs_of(plan)))
    spread = Discordant(_DISCORDANT)
    smallest = smallest_difference(tasks, spread, 0.05 / family)
    needed = tasks_needed(0.05, spread, 0.05 / family)
    if smallest is None:
        return f"{tasks} tasks cannot show a difference, however large."
    told = f"{tasks} tasks show differences of {100 * smallest:.3g} points or more with 80 % power"
    wanted = f"; to see 5 points you need about {about(needed)}" if needed and needed > tasks else ""
    apart = ""
    if streams > 1 and (trained := learners(plan.arms)):
        apart = (
            f" What is trained ({', '.join(trained)}) is compared within each training, over {test_tasks}."
        )
    return f"Where the arms differ at {100 * _DISCORDANT:.0f} % of the tasks, {told}{wanted}.{apart}"


_PLANNING = (
    "arms",
    "arm",
    "reference",
    "tasks",
    "n",
    "seeds",
    "samples",
    "set",
    "day_tasks",
    "nights",
    "parallel",
)
_BUDGET = ("budget_minutes", "budget_tokens", "budget_money", "prices")


def _is_preset(arm: Arm) -> bool:
    return arm.name in PRESETS and PRESETS[arm.name].arm == arm


def _changes(preset: Arm, arm: Arm) -> dict[str, object] | None:
    """What has to be said to make one of the other; None where a preset has something that cannot be taken away, or
    learns skills where the arm does not."""
    if preset.learning.skills != arm.learning.skills or preset.settings.keys() - arm.settings.keys():
        return None
    changes = {part: getattr(arm, part) for part in _ARM_PARTS if getattr(arm, part) != getattr(preset, part)}
    changes |= {
        one.name: getattr(arm.learning, one.name)
        for one in fields(Learning)
        if getattr(arm.learning, one.name) != getattr(preset.learning, one.name)
    }
    changes |= {key: value for key, value in arm.settings.items() if preset.settings.get(key, ...) != value}
    return changes


def _word(value: object) -> str:
    """What reads as this value again; text without quotes where it can be."""
    if not isinstance(value, str):
        return json.dumps(value)
    try:
        json.loads(value)
    except ValueError:
        return str(value)
    return json.dumps(value)


def _seeds(words: str | None) -> tuple[int, ...]:
    if words is None:
        return (1,)
    try:
        if "," not in words:
            return tuple(range(1, _positive(words) + 1))
        return tuple(int(word) for word in words.split(",") if word.strip())
    except (ValueError, argparse.ArgumentTypeError):
        raise UsageMistake(
            f"--seeds {words} are no seeds.", "Put how many, such as 3, or which, such as 1,5,9."
        ) from None


def budget_from(arguments: argparse.Namespace) -> Budget | None:
    """What the words allow; None where they say nothing of it. Raises UsageMistake."""
    if all(getattr(arguments, name) is None for name in _BUDGET):
        return None
    prices = (0.0, 0.0)
    if arguments.prices is not None:
        try:
            prompt, completion = (_amount(word) for word in arguments.prices.split(","))
        except (ValueError, argparse.ArgumentTypeError):
            raise UsageMistake(
                f"--prices {arguments.prices} are no two prices.",
                "Put those of a million tokens read and written, such as 0.5,1.5.",
            ) from None
        prices = (prompt, completion)
    if arguments.budget_money is not None and not any(prices):
        raise UsageMistake("What a token costs is not known.", "Put --prices IN,OUT beside --budget-money.")
    minutes = arguments.budget_minutes
    return Budget(
        tokens=arguments.budget_tokens,
        money=arguments.budget_money,
        seconds=None if minutes is None else 60 * minutes,
        prompt_price=prices[0],
        completion_price=prices[1],
    )


def _settings(words: Sequence[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or "." not in key:
            raise UsageMistake(
                f"--set {word} sets nothing.", "Put --set KEY=VALUE, such as skills.max_skills=2."
            )
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        found.update(changed(Arm("all"), key.strip(), value).settings)
    return found


def _positive(text: str) -> int:
    if (number := _count(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is too little: use 1 or more")
    return number


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than nothing")
    return number


def _amount(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no amount")
    return number
