"""Where a table's files are fetched from, before bronze reads them; secrets stand in the environment, never here."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from fuserank.config import secrets
from fuserank.config.base import Section


class Connected(Section):
    """Where a table's files are fetched from; each kind that registry/connectors.py declares has a class of its own."""

    kind: str


class AuthConfig(Section):
    """How a request says who asks. The secret is read from an environment variable when it is used."""

    kind: Literal["bearer", "basic", "header", "query"] = Field(description="basic: the variable holds user:password")
    variable: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="environment variable with the secret")
    name: str = Field("", description="header or query: its name, such as X-Api-Key")

    @model_validator(mode="after")
    def _named(self) -> AuthConfig:
        if (self.kind in {"header", "query"}) != bool(self.name):
            raise ValueError("header and query need a name; bearer and basic take none")
        return self


class PagesConfig(Section):
    """How one page leads to the next."""

    kind: Literal["link", "cursor", "number", "offset"] = Field(
        description="link: the answer names the next page's URL; cursor: it gives a value for `parameter`; number and "
        "offset: counted here, until a page has no rows"
    )
    parameter: str = Field("", description="query parameter of cursor, number or offset")
    next: str = Field(
        "", description="link and cursor: path in the answer, such as meta.next; link without: the Link header"
    )
    first: int = Field(1, ge=0, description="number: of the first page")

    @model_validator(mode="after")
    def _complete(self) -> PagesConfig:
        if (self.kind != "link") != bool(self.parameter):
            raise ValueError("cursor, number and offset need a parameter; link takes none")
        if self.kind == "cursor" and not self.next:
            raise ValueError("cursor needs next: where the answer gives its value")
        return self


class SinceConfig(Section):
    """Ask only for what is new: the largest value seen is what the next run asks from."""

    parameter: str = Field(min_length=1, description="query parameter, such as updated_since")
    column: str = Field(
        min_length=1, description="the rows' own column, such as updated_at; compared as text unless all are numbers"
    )


class RequestsConfig(Connected):
    """How a site is asked: never faster, longer or more than this."""

    requests_per_second: float = Field(5.0, gt=0, description="at most")
    timeout_seconds: float = Field(30.0, gt=0, description="of one request")
    retries: int = Field(6, ge=0, description="of a request that fails on the way, or is answered by 429 or 5xx")
    retry_seconds: float = Field(
        1.0, ge=0, description="before the first retry, doubled each time; Retry-After counts before it"
    )
    max_mb: float = Field(64.0, gt=0, description="of one answer")
    auth: AuthConfig | None = None

    @field_validator("url", check_fields=False)
    @classmethod
    def _plain_url(cls, url: str) -> str:
        if wrong := secrets.url_problem(url):
            raise ValueError(wrong)
        if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
            raise ValueError("an http or https URL is expected")
        return url


class RestConfig(RequestsConfig):
    """A paginated API that answers with JSON."""

    kind: Literal["rest"]
    url: str = Field(description="without secrets and without what is in `parameters`")
    parameters: dict[str, str] = Field(default_factory=dict, description="of every request")
    rows: str = Field(
        "", description="path to the list of rows in the answer, such as data.orders; empty: it is the list"
    )
    pages: PagesConfig | None = Field(None, description="None: one page is all")
    since: SinceConfig | None = Field(
        None, description="None: every run fetches all, and bronze skips pages that came before"
    )


class CrawlConfig(RequestsConfig):
    """The product pages of a site: by its sitemaps, else by its links; robots.txt is obeyed, the host never left."""

    kind: Literal["crawl"]
    url: str = Field(description="where the site begins")
    include: str = Field(
        "", description="regular expression that a product page's path matches; empty: any page may be one"
    )
    agent: str = Field(
        "fuserank", pattern=r"^[A-Za-z][\w.-]*$", description="name that robots.txt and the site know us by"
    )
    max_pages: int = Field(100_000, ge=1, description="asked for in one run")
    max_depth: int = Field(5, ge=0, description="links away from the beginning, where there is no sitemap")
    requests_per_second: float = Field(
        1.0, gt=0, description="at most; a crawl delay in robots.txt counts where it is longer"
    )
    retries: int = Field(2, ge=0, description="of a page; one that still fails is passed over until the next run")
    max_mb: float = Field(5.0, gt=0, description="of one page; a larger one is passed over")
    pages_per_file: int = Field(500, ge=1, description="products of so many pages become one file")


class FolderConfig(Connected):
    """A folder that others put files into; each content comes in once, whatever its name."""

    kind: Literal["folder"]
    path: str = Field(min_length=1, description="the folder; never written")
    pattern: str = Field("*", min_length=1, description="glob of the files in it")
    settle_seconds: float = Field(
        5.0, ge=0, description="a file that changed so lately may still be being written: the next run takes it"
    )


_CATALOG = re.compile(r"catalog:[\w-]+(\.[\w-]+){1,2}")


class DeltaConfig(Connected):
    """A Delta table: first as it is, then what its commits brought, by its change feed where that is on."""

    kind: Literal["delta"]
    path: str = Field(
        min_length=1, description="folder or URL of the table, or catalog:<schema>.<table>; never written"
    )
    full: bool = Field(
        False, description="take the whole table at each new version: for small ones that are written as a whole"
    )

    @field_validator("path")
    @classmethod
    def _plain_path(cls, path: str) -> str:
        if wrong := secrets.url_problem(path):
            raise ValueError(wrong)
        if path.startswith("catalog:") and not _CATALOG.fullmatch(path):
            raise ValueError("write catalog:<schema>.<table>, or catalog:<catalog>.<schema>.<table>")
        if "#" in path or "?" in path:
            raise ValueError("'#' and '?' cannot stand in the place of a Delta table")
        return path
