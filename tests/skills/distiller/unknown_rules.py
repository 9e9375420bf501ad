"""House rules that the package has never heard of: each with failed tasks, their code, and what users said of them."""

from __future__ import annotations

from dataclasses import dataclass

from metaclaw_jlab.core.evolution import Failure, FailureKind


@dataclass(frozen=True, slots=True)
class UnknownRule:
    """A rule, its literal values, (task, code, observation) of tasks that broke it, and what may be said of it."""

    name: str
    values: tuple[str, ...]
    tasks: tuple[tuple[str, str, str], ...]
    said: tuple[str, ...]

    def failures(self, said: str) -> tuple[Failure, ...]:
        """One failure for each task, all with the same feedback."""
        return tuple(
            Failure(f"{self.name}-{number}", FailureKind.BAD, task, code, shown, (said,))
            for number, (task, code, shown) in enumerate(self.tasks)
        )


UNKNOWN_RULES = (
    UnknownRule(
        "money",
        ("EUR",),
        (
            (
                "Print what the tickets in fair.csv cost together",
                "print(pd.read_csv('fair.csv')['cost'].sum())",
                "912\n",
            ),
            ("Print the price of the red lamp in shop.csv", "print(shop.loc['red lamp', 'price'])", "14.5\n"),
        ),
        (
            "money must be printed with the sign EUR behind it",
            "the amount of money was expected to end with EUR",
            "put EUR after every amount",
            "amounts need EUR behind them",
            "no EUR was found behind the amount",
        ),
    ),
    UnknownRule(
        "log-levels",
        ("[INFO]",),
        (
            ("Append a line about the import to app.log", "open('app.log', 'a').write('import done\\n')", ""),
            ("Log to app.log that the cache was cleared", "open('app.log', 'a').write('cleared\\n')", ""),
        ),
        (
            "log lines must begin with a level in square brackets like [INFO]",
            "The line does not begin with [INFO].",
            "each log line should start with [INFO]",
            "start log lines with [INFO]",
        ),
    ),
    UnknownRule(
        "sheet-names",
        ("`Q3_`",),
        (
            ("Write the visitors of june to visits.xlsx", "df.to_excel('visits.xlsx')", ""),
            ("Write the visitors of may to crowd.xlsx", "df.to_excel('crowd.xlsx')", ""),
        ),
        (
            "sheet names must start with `Q3_`",
            "the name of a sheet should begin with `Q3_`",
            "we use `Q3_` for the names of sheets",
        ),
    ),
)
