"""The schedule as a Vega-Lite chart: probability of each task over decisions.

`PRESET` is what a W&B server keeps as a custom chart, with the columns of a table as its fields;
`chart_page` is the same chart with its numbers, for a browser.
"""

import json
from copy import deepcopy
from typing import Any

PRESET_NAME = "lessonplan-schedule"
FIELDS = {"x": "decision", "y": "task", "color": "probability"}
"""Columns of the table that the preset draws."""
PRESET: dict[str, Any] = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
    "description": "Which task a teacher gives when: probability per task over decisions.",
    "data": {"name": "wandb"},
    "mark": {"type": "rect", "tooltip": True},
    "encoding": {
        "x": {
            "field": "${field:x}", "type": "quantitative", "title": "decision",
            "bin": {"maxbins": 60},
        },
        "y": {"field": "${field:y}", "type": "nominal", "title": None, "sort": None},
        "color": {
            "field": "${field:color}", "type": "quantitative", "aggregate": "mean",
            "title": "probability", "scale": {"scheme": "blues", "domain": [0, 1]},
        },
    },
}  # fmt: skip
_LIBRARIES = ("vega@5.30.0", "vega-lite@5.21.0", "vega-embed@6.26.0")


def filled_chart(rows: list[dict[str, Any]], order: list[str]) -> dict[str, Any]:
    """The chart of a schedule with its numbers, as Vega-Lite.

    Args:
        rows: with the columns of `FIELDS`.
        order: tasks from bottom to top.
    """
    chart = deepcopy(PRESET)
    for channel, column in FIELDS.items():
        chart["encoding"][channel]["field"] = column
    chart["encoding"]["y"]["sort"] = order[::-1]
    chart["data"] = {"values": rows}
    return chart | {"width": 560, "height": {"step": 18}}


def chart_page(rows: list[dict[str, Any]], order: list[str], picture: str) -> str:
    """An HTML page that draws the chart, and shows a picture of it where it can't.

    Drawing needs the Vega libraries from the web.

    Args:
        rows: as in `filled_chart`.
        order: as in `filled_chart`.
        picture: PNG in base64.
    """
    # "</" would end the script, whatever a task is called.
    chart = json.dumps(filled_chart(rows, order)).replace("</", "<\\/")
    scripts = "".join(
        f'<script src="https://cdn.jsdelivr.net/npm/{library}"></script>' for library in _LIBRARIES
    )
    return (
        '<!doctype html><meta charset="utf-8"><title>schedule</title>'
        f'<div id="chart"><img alt="schedule" style="max-width:100%" '
        f'src="data:image/png;base64,{picture}"></div>{scripts}'
        f"<script>const chart = {chart};"
        'if (window.vegaEmbed) vegaEmbed("#chart", chart, {actions: false});</script>'
    )
