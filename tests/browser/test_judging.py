"""The judges of the tour, judged: what they are silent about was looked at."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.accessibility import violations
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.browser

UNREADABLE = "<html lang=en><title>Mail</title><main><h1>Mail</h1><p style='color: #bbb'>Grey</p><input></main></html>"
WIDE = "<html lang=en><title>Mail</title><main><h1>Mail</h1><div style='width: 400px'>Wide</div></main></html>"
ASKING = "<img src='http://example.invalid/pixel.png' alt=''>"


def test_given_a_page_that_some_cannot_read_when_it_is_judged_then_each_fault_is_named(chromium: Browser) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        page.set_content(UNREADABLE)
        assert [found.split(" ")[0] for found in violations(page)] == ["color-contrast", "label"]


def test_given_a_page_wider_than_a_phone_when_it_is_looked_at_then_the_visitor_complains(
    chromium: Browser, tmp_path: Path
) -> None:
    with chromium.new_context() as context:
        visitor = Visitor(context.new_page(), tmp_path)
        visitor.page.set_content(WIDE)
        visitor.look("mail")
        assert visitor.complaints == ["mail: 408 pixels wide on a phone"]


def test_given_a_page_that_asks_another_host_when_it_is_opened_then_the_visitor_complains(
    chromium: Browser, tmp_path: Path
) -> None:
    with chromium.new_context() as context:
        visitor = Visitor(context.new_page(), tmp_path)
        visitor.page.set_content(ASKING)
        assert "a request left this machine: http://example.invalid" in visitor.complaints
