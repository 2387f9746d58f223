"""
`plan` against registries that are absent, broken or hostile.

Every case is a real process and a real socket. They all run at the same time, when
the first is asked for: most of them are about waiting.
"""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path

import attrs
import pytest
import trustme
from commands import run_reconciler
from hostile import ELSEWHERE, INCOMPLETE, NO_ANSWER, SIGN_IN, WRONG_ANSWER, Case
from servers import (
    ScriptedServer,
    access_token,
    catalog,
    challenge,
    html,
    refusal,
    reply,
    repository,
    scripted,
    tags,
)

USERNAME, PASSWORD = "ci-plan", "correct-horse-battery-staple"
START_S = 20.0  # for a process to begin, on a busy machine
EVERYTHING = """\
version: 1
repositories:
  - match: "**"
    attributes: {deleteEnabled: true}
    tags:
      - match: "v*"
        attributes: {deleteEnabled: true}
"""


@attrs.frozen
class Result:
    """How the command ended, and what was sent where."""

    code: int
    stdout: str
    stderr: str
    took_s: float
    registry: ScriptedServer
    elsewhere: ScriptedServer

    @property
    def errors(self) -> tuple[str, ...]:
        """The lines on stderr without those that -v adds."""
        return tuple(line for line in self.stderr.splitlines() if not line.startswith(("GET /", "POST /")))


@cache
def _authority() -> trustme.CA:
    return trustme.CA()


def _tls(name: str = "127.0.0.1") -> ssl.SSLContext:
    """A server's certificate for `name`, from an authority that nobody trusts unless told to."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    _authority().issue_cert(name).configure_cert(context)
    return context


def _busy(registry: ScriptedServer, _: ScriptedServer) -> None:
    registry.on("/acr/v1/_catalog", refusal(429, "TOOMANYREQUESTS", retry_after="1"), catalog("team/app"))
    registry.on("/acr/v1/team%2Fapp", refusal(503, "BUSY"), repository("team/app"))
    registry.on("/acr/v1/team%2Fapp/_tags", html(502), tags("team/app", "v1"))


def _slow(registry: ScriptedServer, _: ScriptedServer) -> None:
    registry.on("*", reply(200, {"repositories": []}, delay_s=5.5))


QUICK = ("-v", "-q", "--timeout", "3")
# Of those that the tests of the registry adapter run, some as a shell would.
FATAL = {
    **NO_ANSWER,
    "html": WRONG_ANSWER["html"],
    "html 404": WRONG_ANSWER["html 404"],
    "invalid UTF-8": WRONG_ANSWER["invalid UTF-8"],
    "a path for a name": WRONG_ANSWER["a path for a name"],
    "an endless body": WRONG_ANSWER["an endless body"],
    "a gzip bomb in a gzip bomb": WRONG_ANSWER["a gzip bomb in a gzip bomb"],
    "an error with a terminal in it": WRONG_ANSWER["an error with a terminal in it"],
    "redirect": ELSEWHERE["redirect"],
    "link": ELSEWHERE["link"],
    "link with an escape": ELSEWHERE["link with an escape"],
    "link to itself": ELSEWHERE["link to itself"],
    "realm": ELSEWHERE["realm"],
    "a token that is never enough": SIGN_IN["a token that is never enough"],
    "wrong password": SIGN_IN["wrong password"],
    "a registry that repeats the token": SIGN_IN["a registry that repeats the token"],
    "a registry that repeats the password": SIGN_IN["a registry that repeats the password"],
    "basic that is never enough": SIGN_IN["basic that is never enough"],
}
PARTIAL = {
    name: INCOMPLETE[name]
    for name in ("flags that are texts", "another repository", "a repository that is refused", "a tag that is a path")
}
CASES = {**FATAL, **PARTIAL}


def _plan(folder: Path, url: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `plan` as a shell would, signed in as `ci-plan`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RECONCILER_", "SSL_CERT"))}
    signed_in = {"RECONCILER_USERNAME": USERNAME, "RECONCILER_PASSWORD": PASSWORD}
    done = run_reconciler(
        *("plan", "registry.yaml", "--registry", url, *options),
        cwd=folder,
        env={**kept, **signed_in, **environment},
        python=("-W", "error"),
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def _run_case(folder: Path, case: Case, *options: str) -> Result:
    with scripted(_tls() if case.tls else None) as registry, scripted() as elsewhere:
        case.script(registry, elsewhere)
        started_s = time.monotonic()
        done = _plan(folder, case.named(registry), *options)
        took_s = time.monotonic() - started_s
    return Result(done.returncode, done.stdout, done.stderr, took_s, registry, elsewhere)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a desired-state file about everything."""
    folder = tmp_path_factory.mktemp("bad")
    (folder / "registry.yaml").write_text(EVERYTHING)
    return folder


@pytest.fixture(scope="module")
def results(folder: Path) -> Iterator[dict[str, Future[Result]]]:
    """Every case, started; those that wait do so together."""
    _authority()
    runs = [("slow", Case(_slow, ""), ()), ("busy", Case(_busy, ""), ())]
    runs += [(name, case, QUICK) for name, case in sorted(FATAL.items(), key=lambda item: -item[1].seconds)]
    runs += [(name, case, (*QUICK, "--format", "json")) for name, case in PARTIAL.items()]
    with ThreadPoolExecutor(8) as pool:
        yield {name: pool.submit(_run_case, folder, case, *options) for name, case, options in runs}


@pytest.mark.parametrize("name", FATAL)
def test_a_registry_that_cannot_be_read_is_one_clear_error(results, name):
    """Exit 1, nothing on stdout, and a line or two on stderr that say where, what and what now; within the timeout."""
    result = results[name].result()

    first, *advice = result.errors
    assert (1, "") == (result.code, result.stdout)
    assert CASES[name].says in first
    assert first.startswith(("error: GET http", "error: POST http", "error: http"))
    assert len(first) <= 1000
    assert len(advice) <= 5
    assert all(line.startswith("  ") for line in advice)
    assert result.stderr.replace("\n", "").isprintable()
    assert result.took_s < CASES[name].seconds + START_S


@pytest.mark.parametrize("name", PARTIAL)
def test_a_repository_that_cannot_be_read_leaves_the_others_planned(results, name):
    """It is unknown, with the reason; the plan is not complete, the exit code is 1, and the others are planned."""
    result = results[name].result()

    plan = json.loads(result.stdout)
    assert (1, False) == (result.code, plan["complete"])
    assert ["team/app"] == [unknown["address"] for unknown in plan["unknown"]]
    assert CASES[name].says in plan["unknown"][0]["message"]
    assert ["team/good"] == [change["address"] for change in plan["changes"]]
    assert ("error: 1 could not be read in full; the plan is not complete",) == result.errors


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_sent_to_another_host(results, name):
    """Whatever the registry says, nobody else is even connected to."""
    result = results[name].result()

    assert 0 == result.elsewhere.connections


@pytest.mark.parametrize("name", CASES)
def test_no_credential_is_shown(results, name):
    """Neither the password nor a token is on stdout or stderr, whatever the registry repeats, nor with -v."""
    result = results[name].result()

    assert _secrets_in(result.stdout + result.stderr) == []


def _secrets_in(text: str) -> list[str]:
    basic = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
    return [secret for secret in (PASSWORD, basic, ".signature") if secret in text]


@pytest.mark.parametrize("name", ["never answers", "429 for ever", "500 for ever"])
def test_repeats_are_bounded(results, name):
    """A call is not repeated more than a dozen times, whatever the registry answers."""
    result = results[name].result()

    assert 1 < result.registry.count("GET") <= 13


def test_a_pause_is_kept_and_then_the_plan_is_made(results):
    """429 with Retry-After and 503 are waited for, said on stderr, and end well; they do not count as errors."""
    result = results["busy"].result()

    assert (0, 6) == (result.code, result.registry.count())
    assert "the registry is throttling reads (429); they wait 2 s\n" in result.stderr
    assert 1 == result.stderr.count("they wait")


def test_an_answer_that_takes_longer_than_five_seconds_is_waited_for(results):
    """--timeout is the only limit there is; no library brings one of its own."""
    result = results["slow"].result()

    assert (0, 1) == (result.code, result.registry.count())


def test_a_certificate_of_a_trusted_authority_verifies(folder: Path):
    """SSL_CERT_FILE names another authority to trust."""
    with scripted(_tls()) as registry, _authority().cert_pem.tempfile() as authority:
        registry.on("*", catalog())

        done = _plan(folder, registry.host, SSL_CERT_FILE=authority)

    assert (0, 1) == (done.returncode, registry.count())


def test_a_certificate_of_another_host_does_not_verify(folder: Path):
    """A trusted authority is not enough: the certificate must be that of the registry."""
    with scripted(_tls("other.example")) as registry, _authority().cert_pem.tempfile() as authority:
        done = _plan(folder, registry.host, "-q", SSL_CERT_FILE=authority)

    assert (1, 0) == (done.returncode, registry.count())
    assert "the certificate does not verify: IP address mismatch" in done.stderr


def test_proxies_and_netrc_of_the_environment_are_not_used(folder: Path, tmp_path: Path):
    """Neither brings a credential that nobody declared, nor gets one."""
    with scripted() as registry, scripted() as proxy:
        registry.on("*", catalog())
        netrc = tmp_path / "netrc"
        netrc.write_text(f"machine 127.0.0.1 login netrc-user password {PASSWORD}\n")
        netrc.chmod(0o600)
        proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"), proxy.url)

        done = _plan(folder, registry.url, NETRC=str(netrc), NO_PROXY="", no_proxy="", **proxies)

    assert (0, 1, 0) == (done.returncode, registry.count(), proxy.connections)
    assert "" == registry.requests[0].header("authorization")


def test_a_password_that_is_no_utf8_is_sent_as_it_is(folder: Path):
    """The environment holds bytes; they are the password."""
    with scripted() as registry:
        registry.on("/oauth2/token", reply(200, {"access_token": access_token("one")}))
        registry.on("/acr/v1/_catalog", challenge(f"{registry.url}/oauth2/token", "registry:catalog:*"), catalog())

        done = _plan(folder, registry.url, RECONCILER_PASSWORD="caf\udce9")

    assert 0 == done.returncode
    assert b"&password=caf%E9&" in registry.requests[1].body


@pytest.mark.parametrize("named", [f"https://ci:{PASSWORD}@127.0.0.1", f"ci:{PASSWORD}@contoso.azurecr.io"])
def test_a_registry_that_is_named_with_a_password_is_refused_without_repeating_it(folder: Path, named):
    """A credential has no place in an address, and less in an error."""
    done = _plan(folder, named)

    assert 1 == done.returncode
    assert "RECONCILER_USERNAME" in done.stderr
    assert _secrets_in(done.stdout + done.stderr) == []
