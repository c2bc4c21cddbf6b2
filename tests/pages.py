"""HTML pages as a reader sees them: what is in them, and what a browser makes of them."""

from __future__ import annotations

import base64
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
VOID = {"meta", "link", "img", "br"}

PROBE = """<script>addEventListener("load", () => {
  const images = [...document.images];
  document.documentElement.dataset.images = images.filter(
    image => image.complete && image.naturalWidth > 0).length + "/" + images.length;
  document.documentElement.dataset.rows = document.querySelectorAll("tr").length;
  document.documentElement.dataset.requests = performance.getEntriesByType("resource")
    .filter(entry => !entry.name.startsWith("data:")).length;
});</script>"""


class Page(HTMLParser):
    """Elements that are opened and closed, tables as rows of texts, figures, all addresses."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.headings: list[str] = []
        self.figures: list[bytes] = []
        self.addresses: list[str] = []
        self.title = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == [], "elements that are not closed"

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.addresses += [given[key] for key in ("src", "href") if key in given]
        if tag == "img":
            kind, _, content = given["src"].partition(",")
            assert kind == "data:image/png;base64"
            self.figures.append(base64.b64decode(content, validate=True))
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag in ("h1", "h2", "h3"):
            self.headings.append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self._open):
            self.tables[-1][-1][-1] += data
        if {"h1", "h2", "h3"} & set(self._open):
            self.headings[-1] += data
        if "title" in self._open:
            self.title += data


def browser() -> str:
    """Return the program that opens pages, or skip the test and say why."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser found (looked for {', '.join(BROWSERS)})")
    return found


def as_opened(path: Path) -> dict[str, str]:
    """Open a page in a browser without network; return what a script in it sees.

    ``images``: decoded of all; ``rows`` of tables; ``requests`` for anything outside the page.
    """
    text = path.read_text()
    policy = "default-src 'none'"
    assert policy in text, "the page forbids the browser to load anything"
    probed = path.with_name("probed.html")
    # The policy forbids scripts, too: it goes, so that whatever is asked for is counted.
    probed.write_text(text.replace(policy, "").replace("</body>", f"{PROBE}</body>"))
    done = subprocess.run(
        [
            browser(),
            *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *(f"--user-data-dir={path.parent / 'browser'}", "--virtual-time-budget=5000"),
            *("--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom", probed.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    seen = done.stdout.split("<html", 1)[1].split(">", 1)[0]
    return {
        word.split("=")[0].removeprefix("data-"): word.split("=")[1].strip('"')
        for word in seen.split()
        if word.startswith("data-")
    }
