"""HTTP requests at a limited pace, with retries where they may help; they never leave the host or show a secret."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

import httpx2 as httpx
import tenacity

from fuserank.config.mapping.connect import AuthConfig, RequestsConfig
from fuserank.sources.connectors.landing import FetchError

_LONGEST_WAIT_SECONDS = 300.0
_REDIRECTS = 5
_MOST_REPEATED = 200  # characters of an answer that go into an error


class Waited(Exception):
    """An answer or failure after which the same request may succeed."""

    def __init__(self, message: str, wait_seconds: float | None = None) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


class Client:
    """GET with the config's pace, retries, time-out and limits. Redirects are followed on the same host alone."""

    def __init__(self, config: RequestsConfig, agent: str = "fuserank", repeat_answers: bool = True) -> None:
        self.config, self.seconds_apart = config, 1 / config.requests_per_second
        self._repeat_answers = repeat_answers  # in errors; an answer may hold personal data
        self._next = 0.0
        self._secret = _secret(config.auth) if config.auth else ""
        self._headers, self._query, self._login = _auth(config.auth, self._secret) if config.auth else ({}, {}, None)
        self._http = httpx.Client(
            timeout=config.timeout_seconds, follow_redirects=False, auth=self._login, headers={"User-Agent": agent}
        )

    def ask(
        self,
        url: str,
        parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        most_bytes: int | None = None,
    ) -> httpx.Response:
        """The answer, whole, be it 2xx, 304 or 4xx; of at most ``most_bytes`` instead of the config's max_mb.

        :raises FetchError: after the last retry, where the answer is too large, or leads away from the host
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(Waited),
            stop=tenacity.stop_after_attempt(self.config.retries + 1),
            wait=self._wait,
            reraise=True,
        )
        try:
            return retrying(
                self._once,
                url,
                dict(parameters or {}),
                dict(headers or {}),
                most_bytes or int(self.config.max_mb * (1 << 20)),
            )
        except Waited as problem:
            tries = self.config.retries + 1
            raise FetchError(
                f"GET {_plain(url)}: {problem}, {tries} times; run again later: what came before is kept"
            ) from problem

    def _once(self, url: str, parameters: dict[str, str], headers: dict[str, str], limit: int) -> httpx.Response:
        for _ in range(_REDIRECTS):
            self._take_turn()
            answer = self._request(url, parameters, headers, limit)
            if answer.status_code == 429 or answer.status_code >= 500:
                raise Waited(f"answered {answer.status_code}", _retry_after(answer))
            if not answer.has_redirect_location:
                return answer
            target = joined(url, answer.headers.get("location", ""))
            if target is None:
                raise FetchError(f"GET {_plain(url)}: leads to what is no address; nothing to fix here")
            same_host(url, target)
            url, parameters = target, {}  # the new address has its query
        raise FetchError(
            f"GET {_plain(url)}: more than {_REDIRECTS} redirects; write the last address into the mapping"
        )

    def _request(self, url: str, parameters: dict[str, str], headers: dict[str, str], limit: int) -> httpx.Response:
        try:
            address = httpx.URL(url).copy_merge_params({**parameters, **self._query})
        except httpx.InvalidURL as problem:
            raise FetchError(f"GET {_plain(url)[:_MOST_REPEATED]}: no address ({problem})") from problem
        try:
            with self._http.stream("GET", address, headers={**self._headers, **headers}) as answer:
                body = bytearray()
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > limit:
                        raise FetchError(
                            f"GET {_plain(url)}: the answer is larger than {limit / (1 << 20):g} MB; ask for smaller"
                            " pages, or raise max_mb"
                        )
                # decoded by now
                remaining = [
                    (k, v) for k, v in answer.headers.items() if k.lower() not in {"content-encoding", "content-length"}
                ]
                return httpx.Response(
                    answer.status_code, headers=remaining, content=bytes(body), request=answer.request
                )
        except httpx.RequestError as problem:
            raise Waited(f"no answer ({type(problem).__name__})") from problem

    def checked(self, answer: httpx.Response, url: str) -> httpx.Response:
        """The answer.

        :raises FetchError: where it is 4xx
        """
        code = answer.status_code
        if code in {401, 403}:
            reason = (
                f"what {self.config.auth.variable} holds is refused"
                if self.config.auth
                else "it asks who asks: give auth in the mapping"
            )
            raise FetchError(f"GET {_plain(url)}: answered {code}; {reason}")
        if code >= 400:
            text = self.without_secret(" ".join(answer.text.split()))[:_MOST_REPEATED]
            detail = f": {text!r}" if self._repeat_answers else ""
            raise FetchError(f"GET {_plain(url)}: answered {code}{detail}; fix url or parameters in the mapping")
        return answer

    def without_secret(self, text: str) -> str:
        """The text with … where it repeats what says who asks."""
        return text.replace(self._secret, "…") if self._secret else text

    def _take_turn(self) -> None:
        now = time.monotonic()
        if now < self._next:
            time.sleep(self._next - now)
        self._next = max(now, self._next) + self.seconds_apart

    def _wait(self, state: tenacity.RetryCallState) -> float:
        problem = state.outcome.exception() if state.outcome else None
        wait_seconds = problem.wait_seconds if isinstance(problem, Waited) else None
        doubled = self.config.retry_seconds * 2 ** (state.attempt_number - 1)
        return min(_LONGEST_WAIT_SECONDS, wait_seconds if wait_seconds is not None else doubled)


def same_host(url: str, target: str) -> None:
    """Refuse to leave the host: what says who asks would go along.

    :raises FetchError: names both hosts
    """
    if not on_same_host(url, target):
        there = urlsplit(target)
        raise FetchError(
            f"GET {_plain(url)}: leads to {there.scheme}://{there.hostname}, another host; write that one into the"
            " mapping if it is right"
        )


def joined(base: str, link: str) -> str | None:
    """The address that a link on ``base`` leads to; None where it is none."""
    try:
        target = urljoin(base, link)
        urlsplit(target).port  # noqa: B018  # told wrong, it raises here and not later
    except ValueError:
        return None
    return target


def on_same_host(url: str, target: str) -> bool:
    """Whether scheme, host and port are the same."""
    here, there = urlsplit(url), urlsplit(target)
    return (here.scheme, here.netloc) == (there.scheme, there.netloc)


def _plain(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def _retry_after(answer: httpx.Response) -> float | None:
    """Seconds; the header may also name a date, which few send: the doubling wait serves there."""
    header = answer.headers.get("retry-after", "")
    return float(header) if header.isdecimal() else None


def _secret(auth: AuthConfig) -> str:
    secret = os.environ.get(auth.variable, "")
    if not secret:
        raise FetchError(
            f"the secret is read from the environment variable {auth.variable}, which is not set here; export it"
        )
    return secret


def _auth(auth: AuthConfig, secret: str) -> tuple[dict[str, str], dict[str, str], httpx.Auth | None]:
    """Headers, query parameters and login of every request."""
    if auth.kind == "basic":
        user, _, password = secret.partition(":")
        return {}, {}, httpx.BasicAuth(user, password)
    if auth.kind == "query":
        return {}, {auth.name: secret}, None
    return {auth.name or "Authorization": f"Bearer {secret}" if auth.kind == "bearer" else secret}, {}, None
