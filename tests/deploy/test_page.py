"""The page that Envoy shows, in a real browser before real servers: ghost text while somebody types."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect, sync_playwright
from tests.conftest import Authority
from tests.deploy.replicas import Behind, behind_envoy

import elman

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
WAIT_MILLISECONDS = 60_000
LINE = "But, soft! what light through yon"
REST = "der "
FOLLOW = "**/Follow"
LONGEST_STEP = 1024
"""What the page sends at most without a state."""

HOLD_BACK = """() => {
  const real = window.fetch;
  window.fetch = async (path, options) => {
    const answer = await real(path, options);
    if (!path.endsWith("/Follow")) return answer;
    window.fetch = real;
    const lines = (await answer.text()).trim().split("\\n");
    const last = lines.pop();
    return new Response(new ReadableStream({
      start(stream) {
        const tell = (line) => stream.enqueue(new TextEncoder().encode(`${line}\\n`));
        lines.forEach(tell);
        window.release = () => { tell(last); stream.close(); };
      },
    }));
  };
}"""
"""Of the next answer, the page gets the last message only once `release` is called."""


@pytest.fixture(scope="module")
def behind(tool: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    folder = tmp_path_factory.mktemp("replicas")
    with behind_envoy(tool("envoy"), folder, Authority(folder), "shakespeare") as behind:
        yield behind


@pytest.fixture(scope="module")
def context() -> Iterator[BrowserContext]:
    """A browser that takes certificates of the test's own authority."""
    chromium = shutil.which("chromium") or pytest.skip("chromium is not installed: `apt-get install chromium` brings it")
    expect.set_options(timeout=WAIT_MILLISECONDS)
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=chromium, args=FLAGS) as browser:
        yield browser.new_context(ignore_https_errors=True)


@pytest.fixture
def asked(page: Page) -> list[Any]:
    """What was asked of Follow."""
    asked: list[Any] = []

    def note(request: Request) -> None:
        if request.url.endswith("/Follow"):
            asked.append(json.loads(request.post_data or "[]")[0]["open"])

    page.on("request", note)
    return asked


@pytest.fixture
def page(behind: Behind, context: BrowserContext) -> Iterator[Page]:
    """The page of somebody who has given a token. The browser must not complain of anything after that."""
    page, troubles = context.new_page(), list[str]()
    page.goto(f"https://{behind.envoy.address}/")
    page.get_by_label("Token").fill(behind.token)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Model")).to_have_value("shakespeare")
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    yield page
    page.close()
    assert troubles == []


def shows(page: Page, text: str, ghost: str) -> None:
    """Wait until there is this text, and this ghost after it. Playwright's own comparison of texts trims them."""
    page.wait_for_function(
        "([text, ghost]) => document.querySelector('#text').value === text"
        " && document.querySelector('#ghost').textContent === ghost",
        arg=[text, ghost],
        timeout=WAIT_MILLISECONDS,
    )


def test_without_a_token_it_says_what_is_missing(behind: Behind, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"https://{behind.envoy.address}/")
    expect(page.get_by_role("alert")).to_have_text("This server asks for a token.")
    expect(page.get_by_label("Token")).to_be_focused()
    page.close()


def test_tab_takes_the_ghost_and_the_browser_can_undo_it(page: Page) -> None:
    page.keyboard.type(LINE)
    shows(page, LINE, REST)
    page.keyboard.press("Tab")
    shows(page, LINE + REST, "")
    page.keyboard.press("Control+z")
    shows(page, LINE, "")
    expect(page.get_by_label("Text", exact=True)).to_be_focused()


def test_a_ghost_stays_while_it_is_typed_and_nothing_is_asked_again(page: Page, asked: list[Any]) -> None:
    page.keyboard.type(LINE)
    shows(page, LINE, REST)
    before = len(asked)
    page.keyboard.type(REST[:2])
    shows(page, LINE + REST[:2], REST[2:])
    assert len(asked) == before
    with page.expect_request(FOLLOW):
        page.keyboard.type("k")
    assert len(asked) == before + 1


def test_what_follows_is_asked_for_once_all_was_typed_before_the_answer_was_whole(page: Page) -> None:
    page.evaluate(HOLD_BACK)
    page.keyboard.insert_text(LINE)
    shows(page, LINE, REST)
    page.keyboard.type(REST)
    shows(page, LINE + REST, "")
    with page.expect_request(FOLLOW):
        page.evaluate("() => window.release()")
    expect(page.get_by_role("alert")).to_be_empty()


def test_escape_dismisses_it_until_the_next_key(page: Page) -> None:
    page.keyboard.type(LINE)
    shows(page, LINE, REST)
    page.keyboard.press("Escape")
    shows(page, LINE, "")
    page.keyboard.type(REST[0])
    shows(page, LINE + REST[0], REST[1:])


def test_tab_leaves_the_text_where_there_is_no_ghost(page: Page) -> None:
    page.keyboard.type(LINE)
    shows(page, LINE, REST)
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Text", exact=True)).not_to_be_focused()


def test_nothing_is_asked_after_a_deletion_or_in_the_middle_of_a_line(page: Page, asked: list[Any]) -> None:
    with page.expect_request(FOLLOW):
        page.keyboard.insert_text(f"{LINE}d")
    before = len(asked)
    page.keyboard.press("Backspace")
    shows(page, LINE, "")
    page.keyboard.press("Home")
    page.keyboard.type("O")
    shows(page, f"O{LINE}", "")
    page.keyboard.press("End")
    with page.expect_request(FOLLOW):
        page.keyboard.type("d")
    assert len(asked) == before + 1


def test_the_state_travels_and_not_the_text(behind: Behind, page: Page, asked: list[Any]) -> None:
    """What is shown is what any client gets for the whole text, or its beginning: it may have been asked for a key earlier."""
    begun = "But, soft! what light through yonder window breaks?\n" * 60 + "But, soft! wh"
    page.keyboard.insert_text(begun[:-1])
    page.keyboard.type(begun[-1])
    shown = page.locator("#ghost")
    expect(shown).not_to_be_empty()
    with (
        elman.Client(behind.envoy.address, credentials=behind.credentials) as client,
        client.document(begun, temperature=0, max_characters=64) as document,
    ):
        (*_, last) = document.suggestions(timeout=60)
    assert last.text.startswith(shown.text_content() or "?")
    assert len(asked[-1]["prefix"]) <= LONGEST_STEP
    assert asked[-1]["state"]


def test_a_screen_reader_hears_the_ghost_after_a_rest(page: Page) -> None:
    page.keyboard.type(LINE)
    expect(page.get_by_role("status")).to_have_text(f"Suggested: {REST.strip()}")


def test_no_script_runs_but_the_page_s_own(behind: Behind, context: BrowserContext) -> None:
    page = context.new_page()
    answer = page.goto(f"https://{behind.envoy.address}/")
    assert answer
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    page.evaluate("() => document.body.append(Object.assign(document.createElement('script'), { text: 'window.ran = 1' }))")
    assert page.evaluate("() => window.ran") is None
    page.close()
