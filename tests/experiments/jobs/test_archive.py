"""What a cluster sends for a run directory: one sentence for what is none, and nothing written."""

import base64
import errno
import gzip
import hashlib
import io
import os
import sys
import tarfile
import tracemalloc

import pytest
from bad_input_kit import contents

from lessonplan.experiments.jobs import archive as archives
from lessonplan.experiments.jobs import fetch, pack
from lessonplan.experiments.jobs.fetch import unpack_into
from lessonplan.experiments.jobs.pack import BEGIN, END, tarred


def log_of(archive: bytes, size: int | None = None, job: str = "job") -> str:
    """What the job of a hostile cluster prints."""
    digest = hashlib.sha256(archive).hexdigest()
    body = base64.b64encode(archive).decode()
    return f"{BEGIN} {len(archive) if size is None else size} {digest} {job}\n{body}\n{END}\n"


def entry(name: str, content: bytes = b"x", **facts) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in facts.items():
        setattr(info, key, value)
    return info, content


def packed(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(*reading(entry("config.yaml")))
        for one in entries:
            tar.addfile(*reading(one))
    return out.getvalue()


def reading(one):
    return one[0], io.BytesIO(one[1])


def link(name: str, kind: bytes, target: str = "/etc/passwd"):
    return entry(name, b"", type=kind, linkname=target)


def sparse() -> bytes:
    """A file of 8 TB in some bytes."""
    headers = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.size": str(8 << 40),
               "GNU.sparse.numblocks": "1", "GNU.sparse.map": "0,1"}  # fmt: skip
    return packed(entry("big", pax_headers=headers))


def long_name() -> bytes:
    """A name of 200 MB, which Python would hold in memory before anybody could ask for it."""
    out = io.BytesIO()
    with gzip.open(out, "w", compresslevel=1) as packing:
        info = tarfile.TarInfo("././@LongLink")
        info.type, info.size = tarfile.GNUTYPE_LONGNAME, 200 << 20
        packing.write(info.tobuf(tarfile.GNU_FORMAT))
        for _ in range(200):
            packing.write(b"a" * (1 << 20))
    return out.getvalue()


HOSTILE = {
    "an absolute path": (lambda: packed(entry("/tmp/own")), "outside of the run directory"),
    "a path upwards": (lambda: packed(entry("a/../../own")), "outside of the run directory"),
    "a path of Windows": (lambda: packed(entry("..\\own")), "outside of the run directory"),
    "a drive": (lambda: packed(entry("C:own")), "outside of the run directory"),
    "a link": (lambda: packed(link("a", tarfile.SYMTYPE)), "no plain file"),
    "a link upwards": (lambda: packed(link("a", tarfile.SYMTYPE, "../..")), "no plain file"),
    "a hard link": (lambda: packed(link("a", tarfile.LNKTYPE)), "no plain file"),
    "a device": (lambda: packed(entry("a", b"", type=tarfile.CHRTYPE)), "no plain file"),
    "a pipe": (lambda: packed(entry("a", b"", type=tarfile.FIFOTYPE)), "no plain file"),
    "a folder": (lambda: packed(entry("a", b"", type=tarfile.DIRTYPE)), "no plain file"),
    "a sparse file": (sparse, "no plain file"),
    "a file twice": (lambda: packed(entry("config.yaml")), "comes twice"),
    "a file as a folder": (lambda: packed(entry("config.yaml/x")), "comes twice"),
    "an escape": (lambda: packed(entry("a\x1b]0;x\x07")), r"a\x1b]0;x\x07"),
    "a name that turns": (lambda: packed(entry("a\u202eb")), r"a\u202eb"),
    "a name too long": (lambda: packed(entry("a" * 256)), "too long"),
    "a long name": (long_name, "MiB unpacked"),
    "a bomb": (lambda: packed(entry("a", bytes(72 << 20))), "MiB unpacked"),
    "no tar": (lambda: gzip.compress(b"no tar at all" * 99), "in what the cluster sent"),
    "no gzip": (lambda: b"no gzip", "in what the cluster sent"),
    "half a gzip": (lambda: packed(entry("a", os.urandom(9999)))[:5000], "in what the cluster"),
    "half a tar": (
        lambda: gzip.compress(gzip.decompress(packed(entry("a", b"x" * 9999)))[:4000]),
        "in what the cluster sent",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_is_one_sentence_and_nothing_is_written(kind, tmp_path):
    make, words = HOSTILE[kind]
    with pytest.raises(ValueError, match="nothing was fetched: in what the cluster sent") as error:
        unpack_into(log_of(make()), tmp_path / "runs" / "out")
    assert words in str(error.value)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 300
    assert not list(tmp_path.iterdir())


def test_a_bomb_takes_no_memory(tmp_path):
    bomb = log_of(packed(entry("a", bytes(72 << 20))))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="MiB unpacked"):
            unpack_into(bomb, tmp_path / "out")
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_FILES", 3)
    with pytest.raises(ValueError, match="more than 3 files"):
        unpack_into(log_of(packed(*(entry(f"f{i}") for i in range(4)))), tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_too_many_files_are_not_packed(tmp_path, monkeypatch):
    for i in range(4):
        (tmp_path / f"f{i}").touch()
    monkeypatch.setattr(pack, "MOST_FILES", 4)
    assert pack.tarred(tmp_path)[0]
    monkeypatch.setattr(pack, "MOST_FILES", 3)
    monkeypatch.setattr(pack.sys, "argv", ["pack", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"more than 3 files, .* copy it from the head node"):
        pack.main()


@pytest.mark.parametrize("size", ["-1", "1e9", "9" * 30, "x", "²"])
def test_a_size_that_is_none_is_refused(size, tmp_path):
    with pytest.raises(ValueError, match="holds none"):
        unpack_into(log_of(packed(), size=size), tmp_path / "out")


def test_what_is_announced_as_too_large_is_not_decoded(tmp_path):
    with pytest.raises(ValueError, match=r"is to have 953,674 MiB, .* copy it from the head node"):
        unpack_into(log_of(packed(), size=10**12), tmp_path / "out")


def test_what_was_fetched_before_stays_where_the_next_is_hostile_or_the_disk_full(
    tmp_path, monkeypatch
):
    out = tmp_path / "out"
    unpack_into(log_of(packed(entry("a", b"first"))), out)
    before = contents(tmp_path)
    with pytest.raises(ValueError, match="comes twice"):
        unpack_into(log_of(packed(entry("config.yaml"))), out)
    assert contents(tmp_path) == before

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for holder, name in ((archives.shutil, "copyfileobj"), (fetch.os, "replace")):
        with monkeypatch.context() as patch:
            patch.setattr(holder, name, full)
            with pytest.raises(ValueError, match=r"No space left on device; make room.*--out"):
                unpack_into(log_of(packed(entry("a", b"second"))), out)
        assert contents(tmp_path) == before
        assert [path.name for path in tmp_path.iterdir()] == ["out"]
    unpack_into(log_of(packed(entry("a", b"second"))), out)
    assert (out / "a").read_bytes() == b"second"


def test_a_directory_that_becomes_too_large_is_not_packed(tmp_path, monkeypatch, capsys):
    (tmp_path / "zeros").write_bytes(bytes(100 << 20))
    assert tarred(tmp_path)[1] >= 100 << 20
    monkeypatch.setattr(sys, "argv", ["pack.py", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"MiB unpacked, .*; copy it from the head node"):
        pack.main()
    assert capsys.readouterr().out == ""
