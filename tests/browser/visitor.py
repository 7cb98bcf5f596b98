"""Somebody at the pages: what they press, type and see, and what they would complain of."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, FloatRect, Locator, Page, Request, Response, ViewportSize, expect

from tests.browser.accessibility import violations

Step = Literal["day", "week", "eight_weeks"]
LENGTH: dict[Step, timedelta] = {
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "eight_weeks": timedelta(weeks=8),
}
DESK, PHONE = ViewportSize(width=1280, height=800), ViewportSize(width=390, height=844)
TALLEST = 3000
"""What is kept of a page, from its top."""
ANSWERS_MS = 30_000
"""How long the service may take to answer a text, on a busy machine."""
A_DAY_MS = 60_000
"""How long a day of the sample clinic may take."""


class Visitor:
    """Looks at every page in light and dark, at a desk and on a phone, and collects `complaints` on the way."""

    def __init__(self, page: Page, screenshots: Path) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.screenshots = screenshots
        self._pictures = 0
        page.set_viewport_size(DESK)
        page.set_default_timeout(ANSWERS_MS)
        self._watch(page)

    def open(self, path: str) -> None:
        """Go to a page by its address."""
        self.page.goto(path)

    def turn_to(self, name: str) -> None:
        """Go to a page by the navigation on top."""
        pages = self.page.get_by_role("navigation", name="Pages")
        pages.get_by_role("link", name=name, exact=True).click()
        expect(pages.locator("[aria-current=page]")).to_have_text(name)

    def leave(self) -> None:
        """Close the page, its open streams with it."""
        self.page.close()

    def run_clock(self, step: Step, press: Callable[[Locator], None] = Locator.click) -> None:
        """Press a button that moves the clock, and wait until it stands there and the service is at rest."""
        goal = self.now() + LENGTH[step]
        press(self.page.locator(f"[data-run={step}]"))
        time = self.page.locator("#strip-time, #time")
        expect(time).to_have_attribute("datetime", goal.isoformat(), timeout=LENGTH[step].days * A_DAY_MS)
        expect(self.page.locator("[data-run=event]")).to_be_enabled(timeout=A_DAY_MS)
        expect(self.page.locator("[data-stop]")).to_be_hidden()
        expect(self.page.locator("#strip-problem, #problem").first).to_be_hidden()

    def now(self) -> datetime:
        """What the clock of this machine's service says."""
        return datetime.fromisoformat(self.page.request.get("/api/clock").json()["now"])

    def tab_to(self, wanted: Locator, most: int = 80) -> None:
        """Reach something with the Tab key alone, and see that the focus shows."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            if wanted.evaluate("element => element === document.activeElement"):
                shown = wanted.evaluate("element => getComputedStyle(element).outlineStyle")
                assert shown != "none", "the focus cannot be seen"
                return
        raise AssertionError(f"not reached with the Tab key: {wanted}")

    def sees(self, wanted: Locator) -> bool:
        """Whether something stands in view as it is, with nothing above it."""
        return bool(
            wanted.evaluate(
                """element => {
                    const { x, y } = element.getBoundingClientRect();
                    return document.elementFromPoint(x + 2, y + 2) === element;
                }"""
            )
        )

    def press(self, wanted: Locator) -> None:
        """Press something with a keyboard alone."""
        self.tab_to(wanted)
        self.page.keyboard.press("Enter")

    def look(self, name: str) -> None:
        """Judge this page as it stands, and take its pictures."""
        self._look(self.page, name)

    def look_at_mail(self, html: str, name: str) -> None:
        """Judge a mail as a mail reader shows it, in a page of its own."""
        mail = self.page.context.new_page()
        self._watch(mail)
        mail.set_viewport_size(DESK)
        mail.set_content(html)
        self._look(mail, name)
        mail.close()

    @contextmanager
    def window(self, width: int, height: int) -> Iterator[None]:
        """Work in a window of another size, for a picture of a part of what a desk shows."""
        self.page.set_viewport_size(ViewportSize(width=width, height=height))
        yield
        self.page.set_viewport_size(DESK)

    def picture(self, file: Path) -> None:
        """Take a picture of this page's top, with nothing in focus."""
        _settle(self.page)
        self.page.screenshot(path=file)

    def _watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self._complain(f"script error: {error}"))
        page.on("request", self._request)
        page.on("response", self._response)

    def _look(self, page: Page, name: str) -> None:
        """In light at a desk and in dark on a phone, with a picture of dark at a desk: every rule sees both."""
        self._pictures += 1
        _settle(page)
        page.emulate_media(color_scheme="light")
        self._judge(page, f"{name}, light")
        self._take(page, f"{name}-light")
        page.emulate_media(color_scheme="dark")
        self._take(page, f"{name}-dark")
        page.set_viewport_size(PHONE)
        self._judge(page, f"{name}, dark, on a phone")
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > PHONE["width"]:
            self._complain(f"{name}: {wide} pixels wide on a phone")
        self._take(page, f"{name}-phone")
        page.set_viewport_size(DESK)
        page.emulate_media(color_scheme="light")

    def _judge(self, page: Page, where: str) -> None:
        self.complaints += [f"{where}: {violation}" for violation in violations(page)]

    def _take(self, page: Page, name: str) -> None:
        file = f"{self._pictures:02}-{re.sub(r'[^a-z]+', '-', name.lower())}.png"
        height = min(TALLEST, page.evaluate("document.documentElement.scrollHeight"))
        width = page.evaluate("document.documentElement.clientWidth")
        page.screenshot(
            path=self.screenshots / file, full_page=True, clip=FloatRect(x=0, y=0, width=width, height=height)
        )

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._complain(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "about", "blob") and address.hostname != "127.0.0.1":
            self._complain(f"a request left this machine: {address.scheme}://{address.hostname}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self._complain(f"{response.status} from {urlsplit(response.url).path}")

    def _complain(self, complaint: str) -> None:
        self.complaints.append(complaint)


def _settle(page: Page) -> None:
    """Back to the top, with nothing in focus and nothing under the pointer."""
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
