"""The pages of the local stack as they are served: one layout, and what a keyboard and a screen reader need."""

import re
from collections import Counter
from html.parser import HTMLParser

import pytest

from infra.local.layout import ALL, PAGES, Page, render

HTML = render()


class Read(HTMLParser):
    """Every element that a page opens, with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


@pytest.fixture(params=ALL, ids=lambda page: page.name)
def page(request: pytest.FixtureRequest) -> Page:
    found: Page = request.param
    return found


def test_given_a_page_when_served_then_its_navigation_names_every_page_and_marks_this_one(page: Page) -> None:
    html = HTML[page.path]
    navigation = html.partition('<nav aria-label="Pages">')[2].partition("</nav>")[0]
    links = re.findall(r'<a href="([^"]+)"([^>]*)>([^<]+)</a>', navigation)
    assert [(path, title) for path, _, title in links] == [(each.path, each.title) for each in ALL]
    assert [path for path, more, _ in links if 'aria-current="page"' in more] == [page.path]
    assert f"<title>{page.title} · " in html


def test_given_a_page_when_served_then_it_has_its_landmarks_one_heading_and_a_live_region(page: Page) -> None:
    read = Read(HTML[page.path])
    tags = Counter(tag for tag, _ in read.elements)
    assert tags["main"] == tags["h1"] == 1
    assert any(each.get("id") == "announcer" and each.get("aria-live") == "polite" for each in read.all("p"))
    assert next(iter(read.all("a")))["href"] == "#content"


def test_given_a_page_when_served_then_no_id_stands_twice_and_every_field_and_image_has_a_name(page: Page) -> None:
    read = Read(HTML[page.path])
    ids = [value for _, attributes in read.elements if (value := attributes.get("id"))]
    assert len(ids) == len(set(ids))
    labelled = {each.get("for") for each in read.all("label")}
    for select in read.all("select"):
        assert select.get("id") in labelled
    assert all("alt" in each for each in read.all("img"))
    assert all(each.get("type") in ("button", "submit") for each in read.all("button"))


def test_given_a_page_when_served_then_its_style_and_script_are_files_of_its_own(page: Page) -> None:
    read = Read(HTML[page.path])
    addresses = [str(each.get("src") or each.get("href")) for each in read.all("script", "link", "img")]
    assert addresses
    for address in addresses:
        assert (PAGES / address.lstrip("/")).is_file()


def test_given_the_scripts_when_they_name_an_element_then_a_page_has_it() -> None:
    for page in ALL:
        script = (PAGES / "static" / f"{page.name}.js").read_text()
        named = set(re.findall(r'(?:byId|getElementById)\("([a-z-]+)"\)', script))
        ids = set(re.findall(r'id="([a-z-]+)"', HTML[page.path]))
        assert named <= ids, page.name


def _luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    digits = colour.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        *((ink, ground) for ink in ("ink", "quiet", "accent") for ground in ("ground", "card", "theirs")),
        ("on-accent", "accent"),
        ("warn", "warn-ground"),
        ("warn", "card"),
    ],
)
def test_given_a_pair_of_text_and_ground_when_compared_then_it_has_the_contrast_of_wcag_aa(
    scheme: int, ink: str, ground: str
) -> None:
    css = (PAGES / "static" / "pages.css").read_text()
    block = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[scheme]
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+);", block))
    light, dark = sorted((_luminance(colours[ink]), _luminance(colours[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5
