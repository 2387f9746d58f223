"""
Bytes to text, and libyaml's complaints to problems that say what to do.

YAML is where most files go wrong, and its parsers speak of tokens and simple
keys. The usual mistakes (a pattern without quotes, a tab, a backslash) are known
by the words of the complaint and get advice; the rest keeps the parser's words.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import NoReturn

import yaml
from yaml.reader import ReaderError

from reconciler.errors import DesiredStateError, Problem
from reconciler.files.wording import printable, quote

_LINE_END = re.compile(r"\r\n?|\n")
# Source: YAML 1.2.2, section 5.1, without what _MISLEADING refuses.
_NOT_PRINTABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|\ufeff")
# libyaml ends a line, and with it a comment, at the first three; editors do not. The others turn the order of
# what is shown around (CVE-2021-42574). Either way a review would not see what the file says.
_MISLEADING = re.compile("[\x85\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# What JSON may and YAML may not; no file that means something needs it.
_JSON_HINT = "this JSON is no YAML: a key and its colon share a line, and \\u escapes come without surrogates"
_SAVE_AS_UTF8 = "save the file as UTF-8"

# What libyaml says (problem, then context), what it means, and what to do. The first that fits is taken.
_TAB = ("a tab in the indentation", "indent with spaces")
_COLON = 'a text with ": " in it stands in quotes, and a key stands alone on its line or in front of its value'
_ADVICE = (
    ("tab character", "", *_TAB),
    ("alphabetic or numeric", "alias", "a * without quotes", 'a pattern that starts with * stands in quotes: "*"'),
    ("alphabetic or numeric", "anchor", "a & without quotes", "a text that starts with & stands in quotes"),
    ("unknown escape character", "", "a backslash that YAML does not know", "use single quotes: 'regex:v\\d+'"),
    ("Unicode character escape", "", "an escape that is no character", "write the character itself"),
    ("unexpected end of stream", "quoted scalar", "a quote that is never closed", ""),
    ("mapping values are not allowed", "", "a colon where none can stand", _COLON),
    ("directive", "", "", "remove the lines that start with %"),
    ("", "block", "", "check the indentation; a text that starts with one of [{*&!%@` or a quote stands in quotes"),
)


def decode(data: bytes, file: str) -> str:
    """
    The text that `data` is in UTF-8, with or without a byte order mark.

    Raises:
        DesiredStateError: it is in another encoding, or holds what would deceive its reader.
    """
    if data.startswith(_UTF16):
        _refuse(file, "", message="the file is in UTF-16 or UTF-32", hint=_SAVE_AS_UTF8)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", errors="replace")
        message = f"byte {error.start:,} (0x{data[error.start]:02x}) is not UTF-8"
        _refuse(file, before, message=message, hint=_SAVE_AS_UTF8)
    if not text.isascii() and (found := _MISLEADING.search(text)):
        message = f"the character U+{ord(found[0]):04X} shows the file other than it is"
        _refuse(file, text[: found.start()], message=message, hint="remove it")
    # libyaml compares each %TAG line with all before it: a file of nothing else would take hours.
    if (start := _find_tag_directive(text)) >= 0:
        _refuse(file, text[:start], message="%TAG is not supported", hint="remove the line")
    return text


def explain(error: yaml.YAMLError, text: str, file: str) -> Problem:
    """The problem that PyYAML's `error` about `text` is, in one line."""
    if isinstance(error, ReaderError):
        return _explain_character(error, text, file)
    if not isinstance(error, yaml.MarkedYAMLError):
        return Problem(file, 1, 1, path="", message=f"not valid YAML: {printable(str(error))}")
    # Of what is never closed, the beginning helps; libyaml points at the end of the file.
    is_open = error.context_mark and "end of stream" in (error.problem or "")
    mark = error.context_mark if is_open else error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    message, hint = _advice(error, _character_at(text, line, column))
    hint = _JSON_HINT if text.lstrip().startswith("{") and _is_json(text) else hint
    return Problem(file, line, column, path="", message=f"not valid YAML: {message}", hint=hint)


def _advice(error: yaml.MarkedYAMLError, character: str) -> tuple[str, str]:
    problem, context = error.problem or "", error.context or ""
    said = printable(_in_full(error))
    if "cannot start any token" in problem:
        message = f"a text cannot start with {quote(character)}"
        return _TAB if character == "\t" else (message, "put it in quotes")
    for known_problem, known_context, message, hint in _ADVICE:
        if known_problem in problem and known_context in context:
            return message or said, hint
    return said, ""


def _in_full(error: yaml.MarkedYAMLError) -> str:
    parts = [part for part in (error.problem, error.context) if part]
    if error.context and error.context_mark:
        parts.append(f"that starts in line {error.context_mark.line + 1}")
    return " ".join(parts)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _explain_character(error: ReaderError, text: str, file: str) -> Problem:
    found = _NOT_PRINTABLE.search(text)
    if found is None:
        return Problem(file, 1, 1, path="", message=f"not valid YAML: {printable(str(error.reason))}")
    line, column = _place_after(text[: found.start()])
    hint = "is the file in UTF-16? save it as UTF-8" if found[0] == "\0" else "remove it"
    message = f"the control character U+{ord(found[0]):04X} is not allowed"
    return Problem(file, line, column, path="", message=message, hint=hint)


def _find_tag_directive(text: str) -> int:
    if text.startswith("%TAG"):
        return 0
    positions = [position for end in "\r\n" if (position := text.find(f"{end}%TAG")) >= 0]
    return min(positions) + 1 if positions else -1


def _character_at(text: str, line: int, column: int) -> str:
    lines = _LINE_END.split(text, maxsplit=line)
    row = lines[line - 1] if line <= len(lines) else ""
    return row[column - 1 : column]


def _place_after(before: str) -> tuple[int, int]:
    ends = list(_LINE_END.finditer(before))
    return len(ends) + 1, len(before) - (ends[-1].end() if ends else 0) + 1


def _refuse(file: str, before: str, *, message: str, hint: str) -> NoReturn:
    line, column = _place_after(before)
    raise DesiredStateError((Problem(file, line, column, path="", message=message, hint=hint),))
