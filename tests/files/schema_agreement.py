"""
Whether the schema takes what the loader takes, and refuses what it refuses.

Every file that a test of this folder loads is held to it. What no schema can say is told
here, by the words of the loader, with the reason.
"""

from __future__ import annotations

import re

import yaml
from editors import read, refusals

from reconciler.schema.desired_state import desired_state_schema

_LONGEST = 3_000  # characters; longer ones are about speed, and a schema has none

# What the loader says of it, and why the schema takes it all the same.
BEYOND_A_SCHEMA = {
    r"stands here twice": "of a key that stands there twice, a parser hands over one value",
    r"must be 1, not \"1\.0\"": "JSON Schema takes 1.0 and 1 for the same number",
    r"must be a whole number from 1 to 1,000,000, not \".*[.eE+].*\"": "likewise, of 1.0, 1e3 and +1",
    r"must be true or false, not \"(True|TRUE|False|FALSE)\"": "a parser of YAML 1.2 hands over booleans",
    r"matches no (repository|tag|manifest|media type)": "no expression follows a pattern to all names there can be",
    r"a \[ without its \]": "no expression counts brackets",
    r"cannot be the name of a (tag|repository)": "of a number, a parser hands over another spelling",
    r"there is no such moment": "no expression knows leap years",
    r"must be one line of printable text": "no expression of ECMA-262 names all that is printable",
    r"of all patterns together": "no schema adds up what stands in many places",
    r"a second document|names nothing|nested deeper|more than a million|is not supported|not valid YAML": (
        "a matter of YAML, where each parser has its own limits"
    ),
    r"shows the file other than it is|control character|not UTF-8|is in UTF-16": "a matter of bytes and characters",
}
# What the schema says of it, and why the loader takes it all the same.
BEYOND_THE_LOADER = {
    r": None is not of type": "a name that is spelt null or ~ needs quotes; a value that was forgotten looks the same",
}


def check_that_the_schema_agrees(text: str | bytes, problems: tuple) -> None:
    """
    Fail where the schema and the loader differ about a file.

    Args:
        text: The file.
        problems: What the loader says is wrong with it.
    """
    if len(text) > _LONGEST:
        return
    refused = _refused(text)
    if problems and not refused:
        assert all(map(_is_beyond, problems)), f"the schema takes what the loader refuses: {problems}\n{text!r}"
    if refused and not problems:
        needless = [each for each in refused if not any(re.search(words, each) for words in BEYOND_THE_LOADER)]
        assert not needless, f"the schema refuses what the loader takes: {needless}\n{text!r}"


def _refused(text: str | bytes) -> list[str]:
    try:
        document = read(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return [f"{error}"]
    return refusals(desired_state_schema, document)


def _is_beyond(problem) -> bool:
    return any(re.search(words, problem.message) for words in BEYOND_A_SCHEMA)
