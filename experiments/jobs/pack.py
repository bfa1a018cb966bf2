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
MOST_FILES = 100_000
"""Of a packed directory."""
_LINE = 12_000


def main() -> None:
    """Print the directory that is named."""
    folder = Path(sys.argv[1]).expanduser()
    if not folder.is_dir():
        sys.exit(f"lessonplan: there is no {folder} on the head node")
    try:
        archive, unpacked = tarred(folder)
    except ValueError as error:
        sys.exit(f"lessonplan: {error}")
    if len(archive) > LIMIT or unpacked > most_unpacked(len(archive)):
        sys.exit(
            f"lessonplan: {folder} takes {len(archive) >> 20} MiB packed and {unpacked >> 20} MiB "
            f"unpacked, and at most {LIMIT >> 20} MiB and {most_unpacked(len(archive)) >> 20} MiB "
            "come back through the Jobs API; copy it from the head node"
        )
    # A job that went on with another has a link to its folder.
    job = folder.resolve().parent.name
    print(BEGIN, len(archive), hashlib.sha256(archive).hexdigest(), job)
    for start in range(0, len(archive), _LINE):
        print(base64.b64encode(archive[start : start + _LINE]).decode())
    print(END, flush=True)


def most_unpacked(packed: int) -> int:
    """Bytes that a packed directory may become: what has more is none of a run."""
    return (64 << 20) + 32 * packed


def tarred(folder: Path) -> tuple[bytes, int]:
    """A gzipped tar of what is whole in a directory, also while a run is writing to it.

    Returns:
        The tar, and its bytes when it is unpacked.

    Raises:
        ValueError: if it has more files than are fetched.
    """
    out, unpacked, count = io.BytesIO(), 0, 0
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=6) as tar:
        for path in sorted(folder.rglob("*")):
            if path.match(".*.tmp") or path.is_symlink() or not path.is_file():
                continue
            # At once: a file that is renamed or grows meanwhile would break the archive.
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                continue
            count += 1
            if count > MOST_FILES:
                raise ValueError(
                    f"{folder} has more than {MOST_FILES:,} files, and at most so many come back "
                    "through the Jobs API; copy it from the head node"
                )
            entry = tarfile.TarInfo(str(path.relative_to(folder)))
            entry.size = len(content)
            entry.mtime = int(path.stat().st_mtime) if path.exists() else 0
            tar.addfile(entry, io.BytesIO(content))
            unpacked = tar.offset
    return out.getvalue(), unpacked


if __name__ == "__main__":
    main()
