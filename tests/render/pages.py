"""Markdown as a browser gets it: by a parser that is not ours, to see what a text became."""

from __future__ import annotations

from html.parser import HTMLParser

from markdown_it import MarkdownIt

_OURS = {"h3", "p", "strong", "br", "ul", "li", "code", "pre", "table", "thead", "tbody", "tr", "th", "td"}
_OURS |= {"details", "summary"}
# Texts that would be more than text in Markdown, in HTML, or on GitHub.
HOSTILE = (
    "`a` ``b`` ```c <script>alert(1)</script> <!-- --> --> </code></summary></details> | d \\| e \\\\| ![f](http://g)"
    " [h](javascript:i) @octocat #1 owner/name#2 www.example.com https://example.com j@example.com **k** ~~l~~ &lt; "
    "\\` \\"
)
HOSTILE_LINES = (
    f"\n\n# heading\n\n- list\n```\n| - |\n| --- |\n<img src=x onerror=alert(1)>\n\n{HOSTILE}\x1b[2J\u202eevil"
)


class Page(HTMLParser):
    """What a page shows, and which elements it is made of."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.text = ""
        self.elements: set[str] = set()
        self.comments: list[str] = []
        self.feed(MarkdownIt("gfm-like").render(markdown))
        self.close()

    @property
    def foreign(self) -> set[str]:
        """Elements that we never write, and attributes, of which we write none."""
        return {each for each in self.elements if each not in _OURS and each != "code class"}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element, and what it has."""
        self.elements |= {tag, *(f"{tag} {name}" for name, _ in attrs)}

    def handle_data(self, data: str) -> None:
        """Note what is seen."""
        self.text += data

    def handle_comment(self, data: str) -> None:
        """Note what is not seen."""
        self.comments.append(data)
