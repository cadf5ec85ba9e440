"""Podman and Docker Compose, in folders of the test: nothing of the machine's own is changed."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy.manual import ROOT
from tests.deploy.programs import program
from tests.waiting import wait_until

Done = subprocess.CompletedProcess[str]
PATIENCE = 300
AUTHORITIES = "/etc/ssl/certs"

STORAGE = """
[storage]
driver = "overlay"
graphroot = "{folder}/images"
runroot = "{folder}/run"
"""
CONTAINERS = """
[containers]
default_ulimits = ["nofile={files}:{files}", "nproc=1000:1000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "{folder}/tmp"
volume_path = "{folder}/volumes"
[network]
network_config_dir = "{folder}/networks"
"""
"""Podman's own limits of files and processes are above what some machines permit."""


@contextmanager
def podman_in_a_folder() -> Iterator[Podman]:
    """Yield a Podman whose images, containers and networks are in a folder of its own."""
    if os.geteuid():
        pytest.skip("mmdebstrap and the network of the containers need root")
    folder = Path(tempfile.mkdtemp(prefix="verify-podman-"))
    try:
        yield Podman(folder)
    finally:
        # A mount of the folder on itself, which Podman leaves.
        subprocess.run(["umount", folder / "images/overlay"], check=False, capture_output=True)
        shutil.rmtree(folder)


@dataclass(frozen=True)
class Podman:
    """Podman with the files of one folder."""

    folder: Path

    def __post_init__(self) -> None:
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        (self.folder / "storage.conf").write_text(STORAGE.format(folder=self.folder))
        text = CONTAINERS.format(folder=self.folder, files=files)
        (self.folder / "containers.conf").write_text(text)

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "CONTAINERS_STORAGE_CONF": f"{self.folder}/storage.conf",
            "CONTAINERS_CONF": f"{self.folder}/containers.conf",
            "DOCKER_HOST": f"unix://{self._socket}",
        }

    @property
    def _socket(self) -> Path:
        return self.folder / "podman.sock"

    def __call__(self, *words: str | Path, check: bool = True) -> str:
        """Run a command of Podman; return its output, without Podman's own warnings."""
        return self._run(program("podman"), *words, check=check).stdout

    def compose(self, *words: str, check: bool = True, **variables: str) -> str:
        """Run a command of Docker Compose on our compose.yaml; return all that it prints.

        Its folder `secrets` is in the test's folder.
        """
        files = ("--file", ROOT / "compose.yaml", "--project-directory", self.folder)
        command = (self.folder / "docker-compose", *files, "--project-name", "deploy", *words)
        done = self._run(*command, check=check, **variables)
        return done.stdout + done.stderr

    def make_base(self, suite: str, packages: Sequence[str], command: str = "true") -> Path:
        """Return an archive of a Debian with these packages, after a command in it."""
        archive = self.folder / f"{suite}.tar"
        words = ["--variant=minbase", f"--include={','.join(packages)}"]
        words.append(f"--customize-hook=chroot $1 {command}")
        self._run(program("mmdebstrap"), *words, suite, archive)
        return archive

    def build(self, name: str, *words: str | Path) -> None:
        """Build an image of the checkout, with this machine's certificate authorities."""
        where = ("--isolation=chroot", f"--volume={AUTHORITIES}:{AUTHORITIES}:ro", "--network=host")
        self("build", *where, "--format=docker", "--pull=never", f"--tag={name}", *words, ROOT)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve the API that Docker Compose uses."""
        line = [program("podman"), "system", "service", "--time=0", f"unix://{self._socket}"]
        with (self.folder / "service.log").open("wb") as log:
            process = subprocess.Popen(line, env=self.environment, stdout=log, stderr=log)
        ended = threading.Event()
        checks = threading.Thread(target=self._check_health, args=(ended,))
        try:
            wait_until(self._socket.exists, PATIENCE)
            checks.start()
            yield
        finally:
            ended.set()
            checks.join()
            self("rm", "--all", "--force", "--time=1")
            process.terminate()
            process.wait(PATIENCE)

    def _check_health(self, ended: threading.Event) -> None:
        """Run the health checks. Podman leaves that to systemd, which runs on no test machine."""
        while not ended.wait(0.5):
            for container in self("ps", "--quiet").split():
                self("healthcheck", "run", container, check=False)

    def _run(self, *line: str | Path, check: bool = True, **variables: str) -> Done:
        done = subprocess.run(
            line,
            cwd=ROOT,
            env=self.environment | variables,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert not check or done.returncode == 0, f"{line}:\n{done.stdout}{done.stderr}"
        return done
