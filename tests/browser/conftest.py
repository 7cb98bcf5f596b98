"""A chromium of this machine at the pages of `make run`. Chosen with -m browser only: `make browser`."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from infra.local.stack.template import ROOT
from tests.browser.run import make_run
from tests.browser.visitor import ANSWERS_MS, Visitor

CHROMIUM = shutil.which(os.environ.get("CHROMIUM") or "chromium")
ALONE = (
    "--no-sandbox",  # which a container's root may not have; the pages are ours
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no name leads anywhere
)
SCREENSHOTS = ROOT / "build" / "screenshots"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The browser is started when it is asked for, because not every machine has one."""
    if "browser" in config.getoption("markexpr"):
        return
    chosen = [item for item in items if item.get_closest_marker("browser")]
    config.hook.pytest_deselected(items=chosen)
    items[:] = [item for item in items if item not in chosen]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the pages are, of a service that knows nothing but the sample clinic."""
    with make_run(tmp_path_factory.mktemp("run")) as address:
        yield address


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=ANSWERS_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ALONE))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where the pages' pictures go, without those of the last time."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for picture in SCREENSHOTS.glob("*.png"):
        picture.unlink()
    return SCREENSHOTS


@pytest.fixture
def visitor(chromium: Browser, url: str, screenshots: Path) -> Iterator[Visitor]:
    """Somebody with a new profile at the start page; at the end nothing may have gone wrong out of their sight."""
    with chromium.new_context(base_url=url, reduced_motion="reduce", locale="en-US") as context:
        here = Visitor(context.new_page(), screenshots)
        here.open("/")
        yield here
        here.leave()
    assert here.complaints == []
