"""What axe-core finds in a part of a page: faults that keep people with assistive technology out."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

SCRIPT = Path(__file__).parent.parent / "node_modules/axe-core/axe.min.js"


def violations(page: Page, selector: str) -> list[str]:
    """One line for each fault inside ``selector``: the rule, what it asks for, and the first place."""
    page.evaluate(SCRIPT.read_text(encoding="utf-8"))
    found = page.evaluate(
        """async selector => (await axe.run(selector, {resultTypes: ['violations']})).violations.map(
            fault => `${fault.id}: ${fault.help} ${fault.nodes[0].html}`)""",
        selector,
    )
    assert isinstance(found, list)
    return found
