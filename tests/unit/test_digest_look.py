"""The digest in a mail program: legible in light and dark, and every word of it from the content."""

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import pytest

from followup import content
from followup.rendering import render_digest
from tests.unit.test_digest import a_digest, a_flag, an_alert

CONTENT: Final = Path(content.__file__).parent
LEAST_CONTRAST: Final = 4.5
"""WCAG 2.2, criterion 1.4.3, level AA, for text of any size."""
DIGESTS: Final[Mapping[str, Any]] = {
    "quiet": a_digest(),
    "alert": a_digest(alerts=(an_alert(0, phone_now=True), an_alert(1, "same_day", status="acknowledged"))),
    "full": a_digest(
        a_flag(0, "review", numbers=(("held", "open_alert"),)),
        *(a_flag(number, numbers=(("response", "partial"),)) for number in range(1, 30)),
        alerts=(an_alert(2),),
    ),
}


@pytest.mark.parametrize("template", sorted(CONTENT.glob("*.j2")), ids=lambda path: path.name)
def test_given_a_template_of_mail_when_its_structure_is_taken_away_then_no_word_is_left(template: Path) -> None:
    source = template.read_text(encoding="utf-8")
    for structure in (r"\{#.*?#\}", r"\{[{%].*?[%}]\}", r"<style>.*?</style>", r"<!--.*?-->", r"<[^>]*>"):
        source = re.sub(structure, "", source, flags=re.DOTALL)
    assert re.findall(r"[^\W\d_]+", source) == []


def test_given_the_expressions_of_the_templates_when_read_then_none_spells_out_what_is_shown() -> None:
    for template in CONTENT.glob("*.j2"):
        for shown in re.findall(r"\{\{(.*?)\}\}", template.read_text(encoding="utf-8"), re.DOTALL):
            for spelled in re.findall(r'"([^"]*)"|\'([^\']*)\'', shown):
                words = "".join(spelled)
                assert not words or re.search(r"[:#]|^(urgent|quiet|link|urgent-open)$", words), words


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", DIGESTS)
def test_given_a_digest_when_shown_in_either_scheme_then_every_word_stands_out_from_its_ground(
    name: str, scheme: str
) -> None:
    _, _, html = render_digest(DIGESTS[name], content.load().staff)
    dark = dict(_dark(html)) if scheme == "dark" else {}
    words = _Words(dark)
    words.feed(html)
    assert len(words.found) > 3
    for word, ink, ground in words.found:
        assert contrast(ink, ground) >= LEAST_CONTRAST, (word, ink, ground)


def test_given_known_pairs_when_measured_then_contrast_is_as_wcag_defines_it() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, as WCAG 2.2 defines it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


Paint = dict[str, str]


def _paint(declarations: str) -> Paint:
    return dict(re.findall(r"(?<![-\w])(color|background-color):\s*(#[0-9a-f]{6})", declarations))


def _dark(html: str) -> Iterator[tuple[str, Paint]]:
    """What the dark scheme paints each class with."""
    _, _, rules = html.partition("prefers-color-scheme: dark")
    for name, declarations in re.findall(r"\.([\w-]+) \{([^}]*)\}", rules.partition("</style>")[0]):
        yield name, _paint(declarations)


class _Words(HTMLParser):
    """Every word with the colours that it is shown in: its own, or those of what is around it."""

    def __init__(self, dark: Mapping[str, Paint]) -> None:
        super().__init__()
        self._dark = dark
        self._around: list[tuple[str, Paint, bool]] = [("", {}, False)]
        self.found: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("meta", "br"):
            return
        given = {name: value or "" for name, value in attrs}
        _, paint, hidden = self._around[-1]
        own = _paint(given.get("style", ""))
        for name in given.get("class", "").split():
            own |= self._dark.get(name, {})
        unseen = hidden or tag in ("head", "style") or "display:none" in given.get("style", "")
        self._around.append((tag, paint | own, unseen))

    def handle_endtag(self, tag: str) -> None:
        assert self._around.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        _, paint, hidden = self._around[-1]
        if data.strip() and not hidden:
            self.found.append((data.strip(), paint["color"], paint["background-color"]))
