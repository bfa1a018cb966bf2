"""The command `lessonplan config`."""

from pathlib import Path
from typing import TYPE_CHECKING

from ..console import ConfigName, Override, print_text
from .runs import Columns, Data, Model, Own, TaskColumn, settings_of

if TYPE_CHECKING:
    from ...config.config import Config
    from ...config.sweeps import Sweep


def config(
    config: ConfigName = "",
    override: Override = None,
    data: Data = "",
    task_column: TaskColumn = "",
    columns: Columns = "",
    model: Model = "",
) -> None:
    """Print a config with every key in it and a line of help for each, to save and change."""
    own = Own(data, model, task_column, columns)
    settings = _settings(config, override or [], own)
    from ...config.explanations import explained

    print_text(explained(settings), end="")


def _settings(config: str, overrides: list[str], own: Own) -> "Config | Sweep":
    """The run or the sweep that the options ask for."""
    from ...config.loading import is_sweep, read_yaml, sweep_names

    path = Path(config)
    is_file = path.suffix in (".yaml", ".yml")
    if not any(own) and (is_sweep(read_yaml(path)) if is_file else config in sweep_names()):
        from ...config.sweeps import read_sweep

        return read_sweep(config, overrides)
    if not config and not any(own):
        raise ValueError("name a config or a sweep (see `lessonplan list`), or give --data")
    return settings_of(config, None, overrides, None, own, "")[0]
