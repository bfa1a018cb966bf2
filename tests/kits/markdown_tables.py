"""Tables and intervals as pages of the documentation have them."""


def interval(estimate, shape):
    """The 95 % interval in brackets."""
    return "[" + ", ".join(format(end, shape) for end in estimate["ci95"]) + "]"


def table(head, rows):
    """Markdown; a bar inside of a cell would end it."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |"
                     for line in lines)  # fmt: skip
