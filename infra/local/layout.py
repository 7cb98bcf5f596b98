"""The pages as they are served: one layout around what each page holds, made once when the server starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

PAGES: Final = Path(__file__).with_name("pages")


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its address, its name in the navigation, and its template, style and script in `pages`."""

    path: str
    title: str
    name: str


ALL: Final = (
    Page("/", "Start", "start"),
    Page("/phones", "Phones", "phones"),
    Page("/on-call", "On call", "on-call"),
    Page("/mailbox", "Mailbox", "mailbox"),
    Page("/clock", "Clock", "clock"),
    Page("/flow", "Flow", "flow"),
)
"""In the order of the navigation."""


def render() -> Mapping[str, str]:
    """The HTML of every page by its path."""
    environment = Environment(
        loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return {page.path: environment.get_template(f"{page.name}.html.j2").render(page=page, pages=ALL) for page in ALL}
