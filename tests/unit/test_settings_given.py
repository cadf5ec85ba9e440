"""How a value is given: in the environment or in a file, with blanks, marks and placeholders."""

from __future__ import annotations

from pathlib import Path

import pytest

from verify_service.settings import server_variables
from verify_service.settings.server_variables import ServerVariableError
from verify_service.settings.settings import SettingsError

from .conftest import PRODUCTION, Read

SECRET = "a-secret-with-at-least-32-bytes-x"
AROUND = [" {}", "{} ", "\t{}\t", "{}\n", "{}\r\n", "\r\n {}", "\ufeff{}", "\ufeff {}\n"]
GIVEN = {
    "APP_ENV": ("development", "development"),
    "NUMBER_SECRET": (SECRET, SECRET.encode()),
    "CODE_SECRET": (SECRET, (SECRET.encode(),)),
    "PROVIDER_ACCESS_KEY": ("abc-123", "abc-123"),
    "CALLBACK_APP_KEYS": ("one,two", (b"one", b"two")),
    "CALLBACK_PATH_SECRET": (SECRET, SECRET),
    "METRICS_TOKEN": (SECRET, SECRET),
    "PROVIDER_URL": ("https://provider.example/api/", "https://provider.example/api"),
    "PROVIDER_AUTH": ("basic", "basic"),
    "PROVIDER_BREAKER": ("off", None),
    "REDIS_CA_FILE": ("/etc/ca.pem", "/etc/ca.pem"),
    "REDIS_POOL": ("7", 7),
    "ACCESS_KEY_IN_QUERY": ("off", False),
    "LOG_LEVEL": ("ERROR", "ERROR"),
}


def write(folder: Path, text: str) -> str:
    """Return the path of a file with exactly this text."""
    file = folder / "value"
    file.write_bytes(text.encode())
    return str(file)


@pytest.mark.parametrize("around", AROUND, ids=ascii)
@pytest.mark.parametrize("name", GIVEN)
def test_what_is_around_a_value_does_not_count(
    read: Read, tmp_path: Path, name: str, around: str
) -> None:
    """Blanks, tabs, line breaks and a byte order mark, in the variable and in a file alike."""
    text, value = GIVEN[name]
    padded = around.format(text)
    in_file = {name: None, f"{name}_FILE": write(tmp_path, padded)}
    for given in ({name: padded}, in_file):
        assert getattr(read(**given), name.lower()) == value


@pytest.mark.parametrize("around", AROUND, ids=ascii)
@pytest.mark.parametrize("in_file", [False, True])
def test_the_web_server_reads_its_variables_the_same_way(
    tmp_path: Path, around: str, *, in_file: bool
) -> None:
    def given(name: str, text: str) -> dict[str, str]:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        padded = around.format(text)
        return {f"{name}_FILE": write(folder, padded)} if in_file else {name: padded}

    assert server_variables.bind_address(given("APP_ENV", "development")) == "127.0.0.1:8000"
    assert server_variables.bind_address(given("HOST", "10.0.0.7")) == "10.0.0.7:8000"
    assert server_variables.port(given("PORT", "80")) == 80
    assert server_variables.processes(given("WEB_CONCURRENCY", "3")) == 3
    assert server_variables.threads(given("THREADS", "50")) == 50


def test_the_number_of_threads_is_the_web_servers(read: Read, tmp_path: Path) -> None:
    """From a file as well: PROVIDER_MAX_IN_FLIGHT depends on it."""
    assert read(THREADS_FILE=write(tmp_path, "20\n")).provider_max_in_flight == 19


def test_the_settings_and_the_web_server_agree_on_a_file_of_app_env(
    read: Read, tmp_path: Path
) -> None:
    """Otherwise a service in development would listen on every interface."""
    given = {"APP_ENV_FILE": write(tmp_path, "development\n")}
    assert not read(**given).production
    assert server_variables.bind_address(given) == "127.0.0.1:8000"


@pytest.mark.parametrize("name", ["NUMBER_SECRET", "APP_ENV", "REDIS_POOL"])
def test_a_variable_and_its_file_exclude_each_other(read: Read, tmp_path: Path, name: str) -> None:
    """Which of two secrets is in force must be no guess."""
    file = {f"{name}_FILE": write(tmp_path, GIVEN[name][0])}
    with pytest.raises(SettingsError, match=f"{name}: {name} and {name}_FILE are both set"):
        read(**{name: GIVEN[name][0]}, **file)
    for blank in ("", " "):
        assert getattr(read(**{name: blank}, **file), name.lower()) == GIVEN[name][1]


def test_the_web_server_refuses_both_too(tmp_path: Path) -> None:
    for name, text in (("PORT", "80"), ("HOST", "localhost"), ("APP_ENV", "development")):
        both = {name: text, f"{name}_FILE": write(tmp_path, text)}
        with pytest.raises(ServerVariableError, match=f"^{name}: {name} and {name}_FILE are both"):
            server_variables.bind_address(both)


def test_an_empty_path_is_no_file(read: Read) -> None:
    assert read(REDIS_POOL="7", REDIS_POOL_FILE=" ").redis_pool == 7


PLACEHOLDERS = [
    *("${CANARY}", "${CANARY:-x}", "${{ secrets.CANARY }}", "$(canary --hex)", "{{ canary }}"),
    *("<canary>", "<the canary's key>", "$CANARY", "%CANARY%"),
]


@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
@pytest.mark.parametrize("name", [*GIVEN, "REDIS_URL", "ACCESS_KEYS", "TEST_NUMBERS", "WEBHOOKS"])
def test_a_placeholder_is_refused_in_every_variable(
    read: Read, tmp_path: Path, name: str, placeholder: str
) -> None:
    """A secret that a container runtime did not fill in would be the same everywhere."""
    form = {
        "REDIS_URL": "redis://:{}@redis.example",
        "ACCESS_KEYS": "shop={}",
        "WEBHOOKS": "shop=https://shop.example/{}",
        "PROVIDER_URL": "https://{}/api",
        "CODE_SECRET": f"{SECRET},{{}}",
    }
    text = form.get(name, "{}").format(placeholder)
    in_file = {name: None, f"{name}_FILE": write(tmp_path, text)}
    for given in ({name: text}, in_file):
        with pytest.raises(SettingsError, match=f"{name}: .*a placeholder") as refused:
            read(**given)
        assert "canary" not in str(refused.value).lower()


@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
def test_a_placeholder_of_the_web_servers_is_refused(placeholder: str) -> None:
    with pytest.raises(ServerVariableError, match=r"^PORT: .*a placeholder"):
        server_variables.port({"PORT": placeholder})


@pytest.mark.parametrize(
    "secret",
    [
        "$2b$12$abcdefghijklmnopqrstuv0123456789",
        "a$b{c}d<e>f(g)h%i%j-0123456789abcdef",
        "0123456789abcdef0123456789abcdef==",
        "'0123456789abcdef0123456789abcdef",
        "0123456789abcdef/+0123456789abcdef\\",
    ],
)
def test_a_secret_may_have_the_characters_of_placeholders(read: Read, secret: str) -> None:
    assert read(NUMBER_SECRET=secret).number_secret == secret.encode()


@pytest.mark.parametrize("marks", ['""', "''", "“”", "„“", "«»", "``", "‘’"])
@pytest.mark.parametrize("name", [*GIVEN, *PRODUCTION])
def test_a_value_in_quotation_marks_is_refused(read: Read, name: str, marks: str) -> None:
    """Container runtimes keep the marks that a shell removes."""
    text = GIVEN[name][0] if name in GIVEN else PRODUCTION[name]
    with pytest.raises(SettingsError, match=f"{name}: Must not be in quotation marks") as refused:
        read(**{name: f"{marks[0]}{text}{marks[1]}"})
    assert text not in str(refused.value).replace("production", "")


@pytest.mark.parametrize("before", ["{}=", "{} = ", "export {}=", "{}: "])
@pytest.mark.parametrize("name", [*GIVEN, *PRODUCTION])
def test_a_value_after_its_variables_name_is_refused(
    read: Read, tmp_path: Path, name: str, before: str
) -> None:
    """A line of another file, pasted into the field for the value."""
    value = GIVEN[name][0] if name in GIVEN else PRODUCTION[name]
    line = before.format(name) + value
    for given in ({name: line}, {name: None, f"{name}_FILE": write(tmp_path, f"{line}\n")}):
        with pytest.raises(SettingsError, match=f"{name}: Must be the value alone, without {name}"):
            read(**given)


def test_a_value_of_the_web_server_after_its_name_is_refused() -> None:
    with pytest.raises(ServerVariableError, match=r"^PORT: Must be the value alone"):
        server_variables.port({"PORT": "PORT=8000"})
