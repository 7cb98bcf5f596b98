"""axe-core's judgement of a page."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SERIOUS = ("serious", "critical")
_OPTIONS = {
    "resultTypes": ["violations"],
    "iframes": False,  # mails are shown in frames that run no script; they are judged in a page of their own
}


def violations(page: Page) -> list[str]:
    """Serious and critical violations, each with the places where it was found."""
    found: list[dict[str, Any]] = Axe().run(page, options=_OPTIONS).response["violations"]
    return [
        f"{violation['id']} ({violation['impact']}) at {_places(violation)}"
        for violation in found
        if violation["impact"] in SERIOUS
    ]


def _places(violation: dict[str, Any]) -> str:
    return "; ".join(" ".join(map(str, node["target"])) for node in violation["nodes"])
