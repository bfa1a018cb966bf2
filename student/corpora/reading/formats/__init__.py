"""What each format of file is read by: .jsonl, .json, .csv, .tsv, .parquet, .arrow, also packed."""

from .containers import HEADER, RawRow, json_rows
from .saved import arrow_rows, is_saved, saved_rows
from .streams import FORMATS, format_of, open_bytes, stem_of
from .tables import table_rows

__all__ = [
    "FORMATS",
    "HEADER",
    "RawRow",
    "arrow_rows",
    "format_of",
    "is_saved",
    "json_rows",
    "open_bytes",
    "saved_rows",
    "stem_of",
    "table_rows",
]
