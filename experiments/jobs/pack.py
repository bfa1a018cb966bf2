"""Prints a directory as text, for a job whose log is all that comes back; needs Python alone.

Between two marks stand the packed directory in base64, its size in bytes, its SHA-256 and the
name of the job's folder that it is in.
"""

import base64
import hashlib
import io
import sys
import tarfile
from pathlib import Path

BEGIN, END = "lessonplan-pack-begin", "lessonplan-pack-end"
LIMIT = 256 << 20
"""Bytes of a packed directory; a log that is much larger would fill the head's memory."""
_LINE = 12_000


def main() -> None:
    """Print the directory that is named."""
    folder = Path(sys.argv[1]).expanduser()
    if not folder.is_dir():
        sys.exit(f"lessonplan: there is no {folder} on the head node")
    archive = tarred(folder)
    if len(archive) > LIMIT:
        sys.exit(
            f"lessonplan: {folder} takes {len(archive) >> 20} MiB packed, and at most "
            f"{LIMIT >> 20} MiB come back through the Jobs API; copy it from the head node"
        )
    # A job that went on with another has a link to its folder.
    job = folder.resolve().parent.name
    print(BEGIN, len(archive), hashlib.sha256(archive).hexdigest(), job)
    for start in range(0, len(archive), _LINE):
        print(base64.b64encode(archive[start : start + _LINE]).decode())
    print(END, flush=True)


def tarred(folder: Path) -> bytes:
    """A gzipped tar of what is whole in a directory, also while a run is writing to it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=6) as tar:
        for path in sorted(folder.rglob("*")):
            if path.match(".*.tmp") or path.is_symlink() or not path.is_file():
                continue
            # At once: a file that is renamed or grows meanwhile would break the archive.
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                continue
            entry = tarfile.TarInfo(str(path.relative_to(folder)))
            entry.size = len(content)
            entry.mtime = int(path.stat().st_mtime) if path.exists() else 0
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def unpack(log: str, folder: Path) -> str:
    """Write the directory that a log holds.

    Args:
        log: what a job of this file printed, with whatever stands around it.
        folder: where to; must not exist.

    Returns:
        The name of the job's folder that it was in.

    Raises:
        ValueError: if the log holds none, or it is not what was packed.
    """
    lines = iter(log.splitlines())
    header = next((line.split(maxsplit=3) for line in lines if line.startswith(BEGIN)), None)
    if header is None:
        raise ValueError("the log of the job that packs the run directory holds none")
    _, size, digest, job = header
    body = []
    for line in lines:
        if line == END:
            break
        body.append(line)
    try:
        archive = b"".join(base64.b64decode(line, validate=True) for line in body)
    except ValueError:
        archive = b""
    if len(archive) != int(size) or hashlib.sha256(archive).hexdigest() != digest:
        raise ValueError("the run directory came back damaged (its checksum differs); fetch again")
    folder.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return job


if __name__ == "__main__":
    main()
