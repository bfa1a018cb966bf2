"""What rows, and the heads of their files, say beside the example: task, split, skills, ..."""

from collections.abc import Collection, Mapping
from typing import Any

from .formats import HEADER, stem_of
from .naming import IDLE, SPLIT_NAMES, split_named
from .notices import Notices
from .places import BadRowError, Place
from .usual_names import MOST_KEYWORDS, Names
from .values import Role, Row, answers_of, is_absent, text_of, whole_number

FACTS = ("task", "split", "difficulty", "skills", "prerequisites", "category", "threshold",
         "importance")  # fmt: skip
"""Our own keys beside an example."""
_LARGEST = 1e300


def fact_roles(
    names: Names, named: Mapping[str, Role], example: Collection[str], ours: bool
) -> dict[str, Role]:
    """Where the keys beside an example stand.

    A public set's own category or difficulty changes from row to row: it is read where one names
    it, or in rows that are written as ours are.

    Args:
        names: the columns of the row.
        named: the roles of columns that one names.
        example: our own keys of an example.
        ours: whether the row is written as ours are.
    """
    roles: dict[str, Role | None] = {"task": names.role("task"), "split": names.role("split")}
    subset = names.find("subset")
    if roles["split"] is None and subset and split_named(str(names.row[subset])):
        roles["split"] = names.role(subset)
    foreign = "messages" in names.row and not set(names.row) <= {*example, *FACTS}
    if (ours and not foreign) or roles["task"] or "task" in named:
        taken = [role.columns[0] for role in named.values()]
        roles |= {
            key: names.role(key) for key in FACTS[2:] if key in names.row and key not in taken
        }
    roles |= {key: role for key, role in named.items() if key in FACTS}
    return {key: role for key, role in roles.items() if role is not None}


def facts_of(
    place: Place, row: Row, roles: Mapping[str, Role], by_task: Role | None, notices: Notices
) -> dict[str, Any]:
    """Our own keys beside the example, as far as a row or the head of its file has them.

    Args:
        place: where the row stands.
        row: as it came.
        roles: where each key stands in it.
        by_task: the column that one names for the task, which must not be empty.
        notices: what is left aside is counted there.

    Raises:
        BadRowError: for a value of another kind.
    """
    header = row.get(HEADER)
    facts = header_facts(place, header) if header else {}
    for key, role in roles.items():
        value = role.take(row)
        if is_absent(value):
            if key == "task" and role is by_task:
                raise BadRowError(place, f"the task ({role}) is empty")
            continue
        if key == "task":
            facts[key] = text_of(place, "task", value)
        elif key == "split":
            facts[key] = _split(place, value)
        elif key in ("skills", "prerequisites"):
            facts[key] = answers_of(place, value) if value else []
        elif key == "category" and isinstance(value, str):
            facts[key] = value
        elif key != "category" and (number := _number(value)) is not None:
            facts[key] = number
        elif key in ("category", "difficulty"):
            wanted = "text" if key == "category" else "a number"
            notices.count(f"rows whose {key!r} is not {wanted}, left aside", place)
        else:
            raise BadRowError(place, f"{key!r} must be a number", value)
    return facts


def header_facts(place: Place, header: Row) -> dict[str, Any]:
    """What the file says of its task: categories or keywords as skills, the first as category.

    It names the task where the name of the file says nothing, as BIG-bench's `task.json`.
    """
    name = header.get("name")
    idle = stem_of(place.file).lower() in IDLE
    facts = {"task": name} if idle and isinstance(name, str) and name else {}
    categories = [str(one).lower() for one in header.get("Categories") or ()]
    if categories:
        return facts | {"skills": categories, "category": categories[0]}
    keywords = [str(one) for one in header.get("keywords") or ()]
    return facts | ({"skills": keywords} if 0 < len(keywords) <= MOST_KEYWORDS else {})


def _split(place: Place, value: Any) -> str:
    split = split_named(str(value))
    if split is None:
        raise BadRowError(place, f"'split' must be one of {', '.join(SPLIT_NAMES)}", value)
    return split


def _number(value: Any) -> int | float | None:
    """A finite number, also where it is written as text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            value = float(value) if whole_number(value) is None else int(value)
        except ValueError:
            return None
    return value if isinstance(value, int | float) and abs(value) < _LARGEST else None
