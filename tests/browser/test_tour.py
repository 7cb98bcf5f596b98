"""The tour of the start page, as a click-through."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from infra.local.stack.template import ROOT
from tests.browser.visitor import LENGTH, Step, Visitor

pytestmark = pytest.mark.browser

STEPS: dict[str, Step] = {step: step for step in LENGTH}
STEP = STEPS[os.environ.get("TOUR_STEP") or "day"]
"""How far the tour goes ahead: `eight_weeks` is what it says, `day` what a check before every change has time for."""
IMAGES = ROOT / "docs" / "images"
KEEP_IMAGES = bool(os.environ.get("TOUR_IMAGES"))


class Phone:
    """A patient's phone on the page of phones."""

    def __init__(self, page: Page, patient_id: str) -> None:
        self.heading = page.locator(f"#phone-{patient_id}")
        self.card = page.locator("article.phone", has=self.heading)
        self.field = page.locator(f"#type-{patient_id}")
        self.clinics_texts = self.card.locator("li.text:not(.own) .body")
        self.marks = self.card.locator(".marks .mark")

    def types(self, words: str) -> Locator:
        """Text the clinic; where the next text from it will stand."""
        coming = self.clinics_texts.nth(self.clinics_texts.count())
        self.field.press_sequentially(words)
        self.field.press("Enter")
        return coming


@pytest.fixture
def images(visitor: Visitor) -> Iterator[Path]:
    """Where the pictures of the README go; somewhere else unless they are asked for."""
    folder = IMAGES if KEEP_IMAGES else visitor.screenshots / "images"
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    assert all(image.stat().st_size < 150_000 for image in folder.glob("*.png")), "too large for a README"


def test_given_make_run_when_the_tour_is_taken_then_every_step_of_it_comes_true(visitor: Visitor, images: Path) -> None:
    page = visitor.page
    visitor.look("start")
    visitor.run_clock("day", press=visitor.press)
    comes_true(page, "ask")

    unclear = suggested(visitor, "nonsense")
    visitor.tab_to(unclear.field)
    expect(unclear.types("purple elephants")).to_contain_text("We could not read that")
    expect(unclear.types("about 7")).to_have_text(re.compile("side effects|Thanks"))
    spanish = suggested(visitor, "spanish", after="nonsense")
    expect(spanish.card).to_have_attribute("data-language", "es")
    expect(spanish.types("más o menos un 6")).to_have_text(re.compile("efectos|Gracias"))
    stopping = suggested(visitor, "stop", after="spanish")
    before_stop = stopping.clinics_texts.count()
    expect(stopping.types("STOP")).to_contain_text("You are opted out")
    expect(stopping.marks.filter(has_text="opted out")).to_be_visible()
    picture_of_phones(visitor, images / "phones.png")
    endangered = suggested(visitor, "danger", after="stop")
    expect(endangered.types("I want to kill myself")).to_contain_text("Call 911, or call/text 988")
    expect(endangered.marks.filter(has_text="alert open")).to_be_visible()
    visitor.look("phones")

    take_and_close(visitor, images)

    visitor.turn_to("Clock")
    expect(page.locator("#next tr").first).to_be_visible()
    page.get_by_label("Patients answer by themselves").check()
    visitor.look("clock")
    visitor.run_clock(STEP)
    visitor.turn_to("Phones")
    expect(page.locator("#loading")).to_be_hidden()
    expect(stopping.clinics_texts).to_have_count(before_stop + 1)
    expect(stopping.marks.filter(has_text="opted out")).to_be_visible()

    read_the_digest(visitor)
    look_at_the_flow(visitor)

    visitor.turn_to("Start")
    for name in ("danger", "take", "close"):
        comes_true(page, name)
    if LENGTH[STEP] >= LENGTH["eight_weeks"]:
        comes_true(page, "weeks")
        comes_true(page, "digest")
    visitor.look("start again")


def suggested(visitor: Visitor, name: str, after: str | None = None) -> Phone:
    """The phone that the tour suggests for a step, once the one before is done."""
    page = visitor.page
    visitor.turn_to("Start")
    if after is not None:
        comes_true(page, after)
    page.locator(f"#tour-{name} a[data-patient]").click()
    expect(page.locator("#loading")).to_be_hidden()
    phone = Phone(page, page.url.partition("#phone-")[2])
    assert visitor.sees(phone.heading)
    return phone


def comes_true(page: Page, name: str) -> None:
    expect(page.locator(f"#tour-{name}")).to_have_attribute("data-done", "true")


def picture_of_phones(visitor: Visitor, file: Path) -> None:
    """The three patients who have answered, beside each other."""
    with visitor.window(1040, 620):
        visitor.open("/phones")
        expect(visitor.page.locator("#loading")).to_be_hidden()
        visitor.page.get_by_label("Show").select_option("played")
        visitor.picture(file)


def take_and_close(visitor: Visitor, images: Path) -> None:
    """Be the person on call, with a keyboard alone until the alert is taken."""
    page = visitor.page
    visitor.turn_to("On call")
    alert = page.locator("#alerts > li.alert[data-status=open]")
    expect(alert).to_have_count(1)
    code = alert.get_attribute("data-code")
    alert = page.locator(f"#alerts > li.alert[data-code='{code}']")
    expect(page.locator("#pages > li").first).to_contain_text(str(code))
    visitor.look("on call")
    with visitor.window(1040, 640):
        visitor.picture(images / "on-call.png")
    visitor.tab_to(page.get_by_label("I am"))
    page.keyboard.press("ArrowDown")
    visitor.press(page.get_by_role("button", name=f"Take alert {code}"))
    expect(alert).to_have_attribute("data-status", "acknowledged")
    alert.get_by_label("What came of it").fill("Spoke on the phone; safe tonight, visit tomorrow")
    alert.get_by_role("button", name=f"Close alert {code}").click()
    expect(alert).to_have_attribute("data-status", "closed")
    visitor.look("on call, closed")


def read_the_digest(visitor: Visitor) -> None:
    page = visitor.page
    visitor.turn_to("Mailbox")
    digest = page.locator("#list button", has_text="follow-up list").filter(has_text="lowell@").first
    digest.click()
    expect(page.locator("#subject")).to_contain_text("follow-up list")
    expect(page.locator("iframe#html")).to_be_visible()
    visitor.look("mailbox")
    page.get_by_role("button", name="Plain text").click()
    expect(page.locator("pre#text")).to_contain_text("Lakeside")
    visitor.look("mailbox, plain")
    mails = page.request.get("/api/mails").json()["mails"]
    fullest = max((mail for mail in mails if "follow-up list" in mail["subject"]), key=lambda mail: len(mail["text"]))
    html = page.request.get(f"/api/mails/{fullest['id']}/html").text()
    visitor.look_at_mail(html, "digest")


def look_at_the_flow(visitor: Visitor) -> None:
    page = visitor.page
    visitor.turn_to("Flow")
    events = page.locator("tbody#events tr")
    expect(events.first).to_be_visible()
    assert events.count() >= 20
    expect(page.locator("tbody#events tr[data-outcome=failed]")).to_have_count(0)
    shown = page.locator("main").inner_text()
    assert "elephants" not in shown
    assert not re.search(r"555-?01|kill", shown)
    visitor.look("flow")
