"""Every form of ``REDIS_URL``, parsed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from verify_service.settings.addresses import is_host, require_one_address
from verify_service.settings.variable import VariableError


class Form(StrEnum):
    """The forms of an address: what runs behind it."""

    SINGLE = "single"
    SOCKET = "socket"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


Node = tuple[str, int]
"""Host and port."""

_SCHEMES = {
    "redis": (Form.SINGLE, False),
    "rediss": (Form.SINGLE, True),
    "unix": (Form.SOCKET, False),
    "redis+sentinel": (Form.SENTINEL, False),
    "rediss+sentinel": (Form.SENTINEL, True),
    "redis+cluster": (Form.CLUSTER, False),
    "rediss+cluster": (Form.CLUSTER, True),
}
NOT_AN_ADDRESS = "Must be an address; percent-encode a password's / @ : # ? [ ]."
_VARIABLES = {
    **dict.fromkeys(("ssl_cert_reqs", "ssl_check_hostname", "ssl"), "REDIS_VERIFY"),
    **dict.fromkeys(("ssl_ca_certs", "ssl_ca_path", "ssl_ca_data"), "REDIS_CA_FILE"),
    **dict.fromkeys(("socket_timeout", "socket_connect_timeout", "timeout"), "REDIS_TIMEOUT"),
    **dict.fromkeys(("max_connections", "pool"), "REDIS_POOL"),
}
"""The variable that sets what an option of other clients sets."""
_PORTS = {Form.SINGLE: 6379, Form.CLUSTER: 6379, Form.SENTINEL: 26379}
_ELSEWHERE = (
    "user and password stand before the host, and REDIS_VERIFY, REDIS_CA_FILE, REDIS_TIMEOUT and "
    "REDIS_POOL set the rest"
)
_NODE = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::([0-9]{1,5}))?\Z")
_DB = re.compile(r"[0-9]{1,4}\Z")


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """One ``REDIS_URL``. Its repr contains no password.

    Attributes:
        form: What runs behind the address.
        nodes: The server; the Sentinels; or the nodes of a cluster that are asked first.
        tls: Whether every connection uses TLS, those to the Sentinels included.
        path: The path of a Unix socket.
        master: The name by which the Sentinels know the master.
        db: The number of the database.
        sentinel_password: The Sentinels' own password.
    """

    form: Form
    nodes: tuple[Node, ...] = ()
    tls: bool = False
    path: str = ""
    master: str = ""
    db: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    sentinel_password: str | None = field(default=None, repr=False)

    @property
    def cluster(self) -> bool:
        """Whether the nodes form a cluster."""
        return self.form is Form.CLUSTER

    @classmethod
    def parse(cls, text: str) -> RedisAddress:
        """Parse the text of ``REDIS_URL``.

        Raises:
            VariableError: The text is not an address.
        """
        url = _split(text)
        form, tls = _SCHEMES[url.scheme]
        options = _options(url, form)
        username, password, hosts = _credentials(url.netloc)
        parts = [unquote(part) for part in url.path.split("/")[1:]]
        db = options.pop("db", "0")
        if form is Form.SENTINEL:
            db = parts.pop() if len(parts) == 2 else db
        elif form is Form.SINGLE and parts[:1] not in ([], [""]):
            db = parts.pop()
        return cls(
            form=form,
            nodes=() if form is Form.SOCKET else _nodes(hosts, form),
            tls=tls,
            path=_path(url, hosts) if form is Form.SOCKET else "",
            master=_master(parts) if form is Form.SENTINEL else _nothing(parts, form),
            db=_db(db, form),
            username=username,
            password=password,
            sentinel_password=options.get("sentinel_password"),
        )


def _split(text: str) -> SplitResult:
    require_one_address(text)
    try:
        url = urlsplit(text)
    except ValueError:  # its message repeats the address
        url = SplitResult("redis", "", "", "", "broken")
    if url.fragment or text.endswith("#"):
        raise VariableError(NOT_AN_ADDRESS) from None
    if url.scheme not in _SCHEMES or "://" not in text:
        raise VariableError(
            "Must start with redis://, rediss:// or unix://, "
            "or with redis+sentinel://, redis+cluster:// and their rediss+ forms."
        )
    return url


def _options(url: SplitResult, form: Form) -> dict[str, str]:
    known = {"db", "sentinel_password"} if form is Form.SENTINEL else {"db"}
    found = parse_qs(url.query, keep_blank_values=True)
    # Options in the address would overrule the settings of the pool, the time-outs and TLS.
    if others := found.keys() - known:
        names = sorted({_VARIABLES[name] for name in others if name in _VARIABLES})
        instead = f"set {' and '.join(names)} instead" if names else _ELSEWHERE
        raise VariableError(f"Must have no option but {' and '.join(sorted(known))}; {instead}.")
    return {name: values[-1] for name, values in found.items()}


def _credentials(netloc: str) -> tuple[str | None, str | None, str]:
    before, _, hosts = netloc.rpartition("@")
    username, colon, password = before.partition(":")
    if username and not colon:
        raise VariableError(
            "Has a user and no password. A password alone follows a colon: redis://:password@host."
        )
    return unquote(username) or None, unquote(password) or None, hosts


def _nodes(hosts: str, form: Form) -> tuple[Node, ...]:
    found = [_NODE.match(host) for host in hosts.split(",")] if hosts else []
    if form is Form.SINGLE and not found:
        return (("localhost", _PORTS[form]),)
    nodes = [(one[1].strip("[]"), int(one[2] or _PORTS[form])) for one in found if one]
    if len(nodes) < max(1, len(found)) or not all(
        is_host(host) and 1 <= port <= 65_535 for host, port in nodes
    ):
        raise VariableError(NOT_AN_ADDRESS)
    if form is Form.SINGLE and len(nodes) > 1:
        raise VariableError(
            "Must name one server; for several use redis+sentinel:// or redis+cluster://."
        )
    return tuple(nodes)


def _path(url: SplitResult, hosts: str) -> str:
    if hosts or not url.path.strip("/"):
        raise VariableError("Must be the path of a socket: unix:///run/redis/redis.sock.")
    return unquote(url.path)


def _master(parts: list[str]) -> str:
    if len(parts) != 1 or not parts[0]:
        raise VariableError("Must name the master: redis+sentinel://host:26379,host:26379/master.")
    return parts[0]


def _nothing(parts: list[str], form: Form) -> str:
    if form is not Form.SOCKET and any(parts):
        raise VariableError("Must end with the hosts, or with the number of a database.")
    return ""


def _db(text: str, form: Form) -> int:
    if not _DB.match(text) or (form is Form.CLUSTER and int(text)):
        raise VariableError("Must name a database by its number; a cluster has only 0.")
    return int(text)
