"""Reports as HTML pages."""

from __future__ import annotations

import pytest

from aenetpy.reports.html import html_page
from tests.pages import Page, as_opened

REPORT = """\
# Errors < 5 & "more"

A paragraph of `a < b` and **bold
words**, and [a link](https://example.org/?a=1&b=2),
[no link](javascript:alert), 2 * 3 * 4.

- one `item`
  that goes on
- another

## Table

| variant | MAE | interval |
| --- | --- | --- |
| a\\|b <script> | 1.25 | 1.2 [0.9, 1.5] |
| c | -3e-05 | none |

![what it shows "x"](a.png)

```
TYPES
# 2 <b>
```

    indented | text
"""


def figure(name: str) -> bytes:
    assert name == "a.png"
    return b"\x89PNG"


def test_all_forms_of_a_report():
    text = html_page(REPORT, figure)
    page = Page(text)
    assert page.title == 'Errors < 5 & "more"'
    assert page.headings == ['Errors < 5 & "more"', "Table"]
    assert page.tables == [
        [
            ["variant", "MAE", "interval"],
            ["a|b <script>", "1.25", "1.2 [0.9, 1.5]"],
            ["c", "-3e-05", "none"],
        ]
    ]
    assert page.figures == [b"\x89PNG"]
    assert text.count('<td class="number">') == 3
    assert text.count('<th class="number">') == 2
    assert "<p>A paragraph of <code>a &lt; b</code> and <strong>bold\nwords</strong>, and" in text
    assert '<a href="https://example.org/?a=1&amp;b=2">a link</a>' in text
    assert "[no link](javascript:alert), 2 * 3 * 4.</p>" in text
    assert "<li>one <code>item</code>\nthat goes on</li>\n<li>another</li>" in text
    assert "<pre>TYPES\n# 2 &lt;b&gt;</pre>" in text
    assert "<pre>indented | text</pre>" in text


def test_a_page_asks_for_nothing():
    page = Page(html_page(REPORT, figure))
    outside = [address for address in page.addresses if not address.startswith("data:")]
    assert outside == ["https://example.org/?a=1&b=2"]  # of a link, which waits for a click


def test_what_is_no_form_is_text():
    text = html_page("> quoted <b>\n| half a table\n\n![no figure] (x)", figure)
    assert "<p>&gt; quoted &lt;b&gt;\n| half a table</p>" in text
    assert "<p>![no figure] (x)</p>" in text
    assert "<title>report</title>" in text


@pytest.mark.external
def test_a_browser_notices_what_is_missing(tmp_path):
    """The probe counts: here one figure cannot be decoded, and one image is asked for."""
    page = html_page(REPORT, figure)
    beside = page.replace("</body>", '<img src="beside.png"></body>')
    (tmp_path / "page.html").write_text(beside)
    assert as_opened(tmp_path / "page.html") == {"images": "0/2", "rows": "3", "requests": "1"}
