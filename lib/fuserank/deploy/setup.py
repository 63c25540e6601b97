"""What an environment needs beside its packages, once: Delta's jars, spark-defaults.conf,
find-spark-home, an archive of Spark's classes.

Done work is not done again: each step keeps a stamp of what it was made from in the environment's stamps/.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from fuserank.common.errors import FuserankError
from fuserank.config.places import conf_dir, defaults, is_installed
from fuserank.config.settings import layered
from fuserank.deploy import spark_defaults
from fuserank.io.runtime import archive_classes, shared_classes
from fuserank.io.runtime.environment import java_problem

JAR_LOCKS = {"jars": "jars.lock", "local-jars": "local-jars.lock"}  # folder of the environment → lock
# what Spark's resolver of jars says then
NO_NETWORK = re.compile(
    r"Temporary failure in name resolution|UnknownHostException|Network is unreachable|Connection refused|Connection"
    r" timed out|ConnectException"
)
Say = Callable[[str], None]


class SetupError(FuserankError):
    """An environment cannot be set up; the message says why and what to do."""


def set_up(say: Say, again: bool = False, env: Path | None = None) -> None:
    """All of it, for the environment that this Python runs in.

    :param say: takes a line before what takes long
    :param again: all again, whatever the stamps say
    :raises SetupError: no Java, no network, a jar that is not the lock's, an environment that is not ours to write
    """
    if problem := java_problem():
        raise SetupError(f"{problem}; on Debian: apt-get install openjdk-17-jre-headless")
    env = env or Path(sys.prefix)
    if not os.access(env, os.W_OK):
        raise SetupError(f"{env} cannot be written; install fuserank into a virtual environment of yours")
    if again:
        shutil.rmtree(env / "stamps", ignore_errors=True)
    (env / "stamps").mkdir(exist_ok=True)
    _render_spark_home(env)
    for folder, lock in JAR_LOCKS.items():
        install_jars(env, folder, defaults() / "requirements" / lock, say)
    file = spark_defaults.write(
        layered("local").get("submit", {}), env / "jars", f"submit of {conf_dir()} and what ships"
    )
    _share_classes(env, file, say)


def install_jars(env: Path, folder: str, lock: Path, say: Say) -> None:
    """A lock's jars into ``env/folder``: resolved by Spark's own resolver, each
    refused where its SHA-256 is not the lock's.
    """
    stamp, jars = digest(lock), env / folder
    rows = [line.split() for line in lock.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    names = {_jar(coordinate): want for coordinate, want in rows}
    if is_done(env, folder, stamp) and all((jars / name).is_file() for name in names):
        return
    say(f"fetching {len(rows)} jars ({lock.name})")
    jars.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=env) as scratch:
        _resolve(env, [coordinate for coordinate, _ in rows], Path(scratch))
        for name, want in names.items():
            jar = Path(scratch) / "ivy" / "jars" / name
            have = hashlib.sha256(jar.read_bytes()).hexdigest()
            if have != want:
                raise SetupError(f"{name} has SHA-256 {have}, {lock.name} says {want}; not installed")
            shutil.copy(jar, jars / name)
    done(env, folder, stamp)


def _jar(coordinate: str) -> str:
    """The name that Spark's resolver gives to the jar of ``group:name:version``."""
    return coordinate.replace(":", "_", 1).replace(":", "-") + ".jar"


def _resolve(env: Path, coordinates: list[str], scratch: Path) -> None:
    script = scratch / "resolved.py"
    script.write_text("print('jars resolved')\n", encoding="utf-8")
    options = ["--conf", f"spark.jars.ivy={scratch}/ivy", "--packages", ",".join(coordinates)]
    _call(
        [env / "bin" / "spark-submit", *options, script],
        {"SPARK_CONF_DIR": str(scratch), "PYSPARK_PYTHON": sys.executable},
    )


def _render_spark_home(env: Path) -> None:
    """bin/spark-submit asks find-spark-home, which asks the PATH's python3; here it is known."""
    script = env / "bin" / "find-spark-home"
    script.unlink(missing_ok=True)  # it may be a hard link into the installer's cache
    home = spark_defaults.spark_home()
    script.write_text(f'# rendered by fuserank setup\nexport SPARK_HOME="${{SPARK_HOME:-{home}}}"\n', encoding="utf-8")
    script.chmod(0o755)


def _share_classes(env: Path, spark_conf: Path, say: Say) -> None:
    """Spark's classes as an archive that each JVM maps: a start takes half the work.

    It fits one Java and one set of jars.
    """
    stamp = classes_stamp(env, spark_conf) + java_text()
    if is_done(env, "classes", stamp) and shared_classes.archive().exists():
        return
    say("keeping Spark's classes for quick starts (a minute or two)")
    _call(
        [sys.executable, "-m", "fuserank.io.runtime.archive_classes"], {"TZ": "UTC", "PYSPARK_PYTHON": sys.executable}
    )
    done(env, "classes", stamp)


def classes_stamp(env: Path, spark_conf: Path) -> str:
    """What the archive of classes is made from, but for Java: in a checkout its
    locks and files, else what is installed.
    """
    ship = defaults()
    made_of = [ship / "requirements" / lock for lock in JAR_LOCKS.values()]
    code = Path(archive_classes.__file__)
    if is_installed():
        return digest(*made_of, spark_conf, code) + version("pyspark")
    lock = "modern.txt" if (env / "stamps" / "packages-modern").exists() else "run.txt"
    return digest(*made_of, ship / "requirements" / lock, ship / "conf" / "env" / "local.yaml", code)


def java_text() -> str:
    """What Java says of its version."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else "java"
    return subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr


def digest(*files: Path) -> str:
    """SHA-256 of the files' bytes, one after the other."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def is_done(env: Path, step: str, stamp: str) -> bool:
    """Whether a step was done from just this."""
    file = env / "stamps" / step
    return file.exists() and file.read_text(encoding="utf-8") == stamp


def done(env: Path, step: str, stamp: str) -> None:
    """Note what a step was done from."""
    (env / "stamps" / step).write_text(stamp, encoding="utf-8")


def _call(command: list[object], extra: dict[str, str]) -> None:
    """Run it; where it fails, show what it said and stop."""
    words = [str(word) for word in command]
    finished = subprocess.run(words, check=False, env={**os.environ, **extra}, capture_output=True, text=True)
    if finished.returncode == 0:
        return
    if NO_NETWORK.search(finished.stdout + finished.stderr):
        raise SetupError(
            "no network: jars are missing here and Maven's registry does not answer; run it where it is reached, or"
            " copy jars/, local-jars/ and stamps/ of an environment that has them"
        )
    sys.stderr.write(finished.stdout[-4000:] + finished.stderr[-8000:])
    raise SetupError(f"{Path(words[0]).name} {words[-1]} failed; its output is above")
