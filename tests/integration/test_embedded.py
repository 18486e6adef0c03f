"""The embedded servers start, stop, outlive what a killed service leaves, and touch nobody else's process."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from redis.asyncio import Redis

from service.embedded import ServerStartError
from service.embedded.postgres import EmbeddedPostgres
from service.embedded.processes import Family, mark_of
from service.embedded.redis import EmbeddedRedis

LEAVE_RUNNING = """\
import os, sys
from pathlib import Path
from service.embedded.postgres import EmbeddedPostgres
from service.embedded.redis import EmbeddedRedis
folder = Path(sys.argv[1])
server = EmbeddedPostgres(folder) if sys.argv[2] == "postgres" else EmbeddedRedis(folder)
server.start()
print(server.pid, flush=True)
os.kill(os.getpid(), 9)
"""


def abandoned(folder: Path, kind: str) -> int:
    """Start a server from a process that is then killed; returns the process id of the orphan."""
    done = subprocess.run(
        [sys.executable, "-c", LEAVE_RUNNING, str(folder), kind],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    return int(done.stdout)


def members(folder: Path) -> list[psutil.Process]:
    return Family(("postgres", "initdb", "redis-server", "valkey-server"), mark_of(folder)).members()


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not tmp_path: pytest closes its folders to other users, and as root PostgreSQL runs as one.
    with tempfile.TemporaryDirectory(prefix="motcua-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def postgres(folder: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(folder / "pg")
    yield server
    server.stop()
    assert not members(folder / "pg")


@pytest.fixture
def redis_server(folder: Path) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(folder / "redis", maxmemory="32mb")
    yield server
    server.stop()
    assert not members(folder / "redis")


async def remember(dsn: str, number: int) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS kept (number int)")
        await connection.execute("INSERT INTO kept VALUES ($1)", number)
    finally:
        await connection.close()


async def remembered(dsn: str) -> list[int]:
    connection = await asyncpg.connect(dsn)
    try:
        return [row["number"] for row in await connection.fetch("SELECT number FROM kept ORDER BY number")]
    finally:
        await connection.close()


async def test_postgres_is_durable_private_and_keeps_its_data(postgres: EmbeddedPostgres, folder: Path) -> None:
    dsn = postgres.start()
    connection = await asyncpg.connect(dsn)
    shown = {
        name: await connection.fetchval("SELECT current_setting($1)", name)
        for name in ("fsync", "synchronous_commit", "listen_addresses", "TimeZone", "server_encoding")
    }
    superuser = await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    await connection.close()
    assert (shown["fsync"], shown["synchronous_commit"], shown["listen_addresses"]) == ("on", "on", "")
    assert (shown["TimeZone"], shown["server_encoding"]) == ("UTC", "UTF8")
    assert superuser is False
    assert stat.S_IMODE((folder / "pg").stat().st_mode) == 0o700
    await remember(dsn, 1)
    postgres.stop()
    assert not postgres.alive()
    assert postgres.start() == dsn
    assert await remembered(dsn) == [1]


def test_postgres_leads_a_session_of_its_own(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    assert postgres.pid is not None
    assert os.getsid(postgres.pid) == postgres.pid != os.getsid(0)


async def test_postgres_orphan_is_ended_and_its_data_found(postgres: EmbeddedPostgres, folder: Path) -> None:
    orphan = abandoned(folder / "pg", "postgres")
    await remember(f"postgresql://motcua@{str(folder / 'pg' / 'socket').replace('/', '%2F')}/motcua", 2)
    dsn = postgres.start()
    assert postgres.pid != orphan
    assert orphan not in {process.pid for process in members(folder / "pg")}
    assert await remembered(dsn) == [2]


async def test_postgres_recovers_after_its_own_kill(postgres: EmbeddedPostgres) -> None:
    dsn = postgres.start()
    await remember(dsn, 3)
    assert postgres.pid is not None
    os.kill(postgres.pid, signal.SIGKILL)
    assert postgres.start() == dsn
    assert await remembered(dsn) == [3]


@pytest.mark.parametrize("content", [b"", b"12", b"\xff\xfe\x00", b"-4\n", b"99999999999999999999\n", None])
async def test_broken_or_reused_postmaster_pid_does_not_stop_the_start(
    postgres: EmbeddedPostgres, folder: Path, content: bytes | None
) -> None:
    await remember(postgres.start(), 4)
    postgres.stop()
    lock = folder / "pg" / "data" / "postmaster.pid"
    # None: the process id now belongs to somebody else, here to a process of the same user.
    with subprocess.Popen(["sleep", "60"], **postgres._account) as stranger:
        lock.write_bytes(f"{stranger.pid}\n{lock.parent}\n".encode() if content is None else content)
        dsn = postgres.start()
        assert stranger.poll() is None
        stranger.kill()
    assert await remembered(dsn) == [4]


def test_half_made_data_folder_is_made_again(postgres: EmbeddedPostgres, folder: Path) -> None:
    half = folder / "pg" / "new-interrupted"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    postgres.start()
    assert not half.exists()
    assert (folder / "pg" / "data" / "PG_VERSION").exists()


def test_interrupted_initdb_leaves_nothing_in_the_way(postgres: EmbeddedPostgres, folder: Path) -> None:
    code = "import sys; from pathlib import Path; from service.embedded.postgres import EmbeddedPostgres; "
    starter = subprocess.Popen(
        [sys.executable, "-c", code + "EmbeddedPostgres(Path(sys.argv[1])).start()", str(folder / "pg")]
    )
    while not list((folder / "pg").glob("new-*/*")):
        assert starter.poll() is None
        time.sleep(0.005)
    starter.kill()
    starter.wait()
    postgres.start()
    assert postgres.alive()
    assert not list((folder / "pg").glob("new-*"))


def test_strangers_files_in_the_data_folder_are_not_touched(postgres: EmbeddedPostgres, folder: Path) -> None:
    (folder / "pg" / "data").mkdir(parents=True)
    (folder / "pg" / "data" / "thesis.txt").write_text("mine")
    with pytest.raises(ServerStartError, match="holds no database"):
        postgres.start()
    assert (folder / "pg" / "data" / "thesis.txt").read_text() == "mine"


def test_postgres_that_cannot_start_says_why_in_one_line(postgres: EmbeddedPostgres, folder: Path) -> None:
    postgres.start()
    postgres.stop()
    (folder / "pg" / "data" / "PG_VERSION").write_text("11\n")
    with pytest.raises(ServerStartError, match=r"FATAL:.*incompatible") as caught:
        postgres.start()
    assert "\n" not in str(caught.value)
    assert not members(folder / "pg")


@pytest.mark.parametrize("name", ["d" * 120, "with, comma", "with space"])
async def test_awkward_folders_get_a_short_socket_folder(folder: Path, name: str) -> None:
    folder /= name
    postgres, redis = EmbeddedPostgres(folder / "pg"), EmbeddedRedis(folder / "redis")
    try:
        await remember(postgres.start(), 5)
        assert await remembered(postgres.start()) == [5]
        client = Redis.from_url(redis.start())
        assert await client.ping()
        await client.aclose()
    finally:
        redis.stop()
        postgres.stop()
        for short in (folder / "pg" / "socket", folder / "redis"):
            shutil.rmtree(Path(tempfile.gettempdir()) / mark_of(short), ignore_errors=True)


async def test_redis_has_no_port_and_no_files_of_data(redis_server: EmbeddedRedis, folder: Path) -> None:
    client = Redis.from_url(redis_server.start())
    config = {
        name: (await client.config_get(name))[name] for name in ("port", "save", "appendonly", "maxmemory-policy")
    }
    assert config == {"port": "0", "save": "", "appendonly": "no", "maxmemory-policy": "allkeys-lru"}
    assert (await client.config_get("maxmemory"))["maxmemory"] == str(32 * 1024 * 1024)
    await client.set("gone", "soon")
    await client.aclose()
    redis_server.stop()
    client = Redis.from_url(redis_server.start())
    assert await client.get("gone") is None
    await client.aclose()
    assert (folder / "redis" / "redis.pid").read_text().strip() == str(redis_server.pid)


def test_redis_orphan_is_ended(redis_server: EmbeddedRedis, folder: Path) -> None:
    orphan = abandoned(folder / "redis", "redis")
    redis_server.start()
    assert [process.pid for process in members(folder / "redis")] == [redis_server.pid]
    assert redis_server.pid != orphan


def test_frozen_redis_is_ended_too(redis_server: EmbeddedRedis) -> None:
    redis_server.start()
    assert redis_server.pid is not None
    os.kill(redis_server.pid, signal.SIGSTOP)
    redis_server.stop()
    assert not redis_server.alive()


def test_a_stranger_who_mentions_the_folder_lives_on(redis_server: EmbeddedRedis, folder: Path) -> None:
    words = [str(folder / "redis" / "redis.sock"), mark_of(folder / "redis")]
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", *words]) as stranger:
        redis_server.start()
        redis_server.stop()
        assert stranger.poll() is None
        stranger.kill()


def test_no_redis_anywhere_is_one_clear_line(
    redis_server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ServerStartError, match="REDIS_URL"):
        redis_server.start()


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can try another user")
def test_a_normal_user_can_start_both_servers() -> None:
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        done = subprocess.run(
            ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", "--",
             sys.executable, "-c",
             "import sys; from pathlib import Path\n"
             "from service.embedded.postgres import EmbeddedPostgres\n"
             "from service.embedded.redis import EmbeddedRedis\n"
             "folder = Path(sys.argv[1])\n"
             "for s in (EmbeddedPostgres(folder / 'pg'), EmbeddedRedis(folder / 'redis')):\n"
             "    s.start(); s.stop(); s.start(); s.stop(); print('ok')",
             name],
            capture_output=True, text=True, check=False, timeout=90,
            env={**os.environ, "HOME": name},
        )  # fmt: skip
        assert (done.stdout, done.returncode) == ("ok\nok\n", 0), done.stderr
        assert (folder / "pg" / "data").stat().st_uid == nobody.pw_uid
