"""
Ask one of Docker's credential helpers, a program, for what it holds for a registry.

It is told a host on stdin and says a user and a secret on stdout, or why not. It gets
a limited time and may say a limited amount. What it says on stdout is never shown,
whatever it is: that is where secrets come from.

Source: docker/docker-credential-helpers client/client.go and credentials/error.go.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path

import attrs
import orjson

from reconciler.errors import RefusedError
from reconciler.registry.exchange import printable

WITHOUT_DOCKER = "To sign in without it: RECONCILER_USERNAME and RECONCILER_PASSWORD, or DOCKER_CONFIG=an empty folder."
_NOT_FOUND = b"credentials not found in native keychain"
_MAX_BYTES = 1 << 20  # a credential is a few kilobytes
_MAX_REAP_S = 1.0  # after SIGKILL


@attrs.frozen
class Held:
    """What a helper holds: a user, and a password or token."""

    username: str
    secret: str = attrs.field(repr=False)


async def ask_helper(program: str, host: str, environment: Mapping[str, str], *, timeout_s: float) -> Held | None:
    """
    What the helper at the path `program` holds for `host`; None where it holds nothing.

    Raises:
        RefusedError: it cannot be run, fails, is too slow, or says what cannot be understood.
    """
    said = await _run(program, host, environment, timeout_s=timeout_s)
    if said.status and said.output.strip() == _NOT_FOUND:
        return None
    if said.status:
        raise _failed(program, f"failed with exit code {said.status}{said.complaint}")
    try:
        answer = orjson.loads(said.output)
        username, secret = answer["Username"], answer["Secret"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        username, secret = None, None
    if not isinstance(username, str) or not isinstance(secret, str) or (secret and not username):
        raise _failed(program, "said something that is no credential")
    return Held(username, secret) if secret else None


@attrs.frozen
class _Said:
    """What a program answered. Its output is a secret, also when it failed."""

    status: int
    output: bytes = attrs.field(repr=False)
    errors: bytes = attrs.field(repr=False)

    @property
    def complaint(self) -> str:
        """The first line that it wrote to stderr, where it wrote nothing else that could be the secret in it."""
        line = self.errors.decode(errors="replace").strip().partition("\n")[0].strip()
        return f": {printable(line)}" if line and line.isprintable() and not self.output.strip() else ""


async def _run(program: str, host: str, environment: Mapping[str, str], *, timeout_s: float) -> _Said:
    process = await _start(program, environment)
    said = None
    try:
        async with asyncio.timeout(timeout_s):
            said = await _converse(process, host)
    except TimeoutError:
        raise _failed(program, f"did not answer within {timeout_s:g} s") from None
    except OverflowError:
        raise _failed(program, f"said more than {_MAX_BYTES} bytes") from None
    finally:
        if said is None:
            await _kill(process)
    return said


async def _start(program: str, environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    """Run `program get`, in a session of its own, so that whatever it starts can be ended with it."""
    try:
        return await asyncio.create_subprocess_exec(
            program,
            "get",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(environment),
            start_new_session=True,
        )
    except OSError as error:
        raise _failed(program, f"cannot be run: {error.strerror}") from None


async def _converse(process: asyncio.subprocess.Process, host: str) -> _Said:
    output, errors, _ = await asyncio.gather(
        _read(process.stdout), _read(process.stderr), _write(process.stdin, host.encode())
    )
    return _Said(await process.wait(), output, errors)


async def _write(stream: asyncio.StreamWriter | None, content: bytes) -> None:
    assert stream is not None  # noqa: S101 - all three are pipes
    stream.write(content)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may not care which host it is
        await stream.drain()
    stream.close()


async def _read(stream: asyncio.StreamReader | None) -> bytes:
    assert stream is not None  # noqa: S101 - all three are pipes
    content = bytearray()
    while chunk := await stream.read(_MAX_BYTES):
        content += chunk
        if len(content) > _MAX_BYTES:
            raise OverflowError
    return bytes(content)


async def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):  # something that left the session may hold the pipes open
        await asyncio.wait_for(process.wait(), _MAX_REAP_S)
    process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio has no other way to close its pipes
    await asyncio.sleep(0)  # in the next turn of the loop they are


def _failed(program: str, what: str) -> RefusedError:
    by_hand = f"To see it by hand: echo HOST | {printable(Path(program).name)} get"
    return RefusedError(f"the credential helper {printable(program)} {what}\n  {by_hand}\n  {WITHOUT_DOCKER}")
