"""A training loop of one's own in plain PyTorch, with a tutor that says what comes next.

One small network learns three kinds of arithmetic, taught by TSCL Sampling; half of every batch is
of the task that the tutor chose, the rest of all of them, so that nothing is forgotten:

    python experiments/examples/tutor_pytorch.py [STATE]

With STATE, a file, the run goes on where it was left, and is kept there.
"""

import sys
from functools import partial
from pathlib import Path

import torch
from torch import nn

from lessonplan.envs import Tutor
from lessonplan.teacher import RuleTeacher, TSCLSampling

TASKS = {"sum": torch.add, "difference": torch.sub, "product": torch.mul}
DECISIONS, STEPS = 150, 20


def batch(task: str, size: int, source: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Two numbers in [-1, 1] and which task it is, (size, 5); what it makes of them, (size,)."""
    numbers = 2 * torch.rand(size, 2, generator=source) - 1
    which = nn.functional.one_hot(torch.tensor(list(TASKS).index(task)), len(TASKS))
    return torch.cat([numbers, which.expand(size, -1)], dim=1), TASKS[task](*numbers.T)


def score(model: nn.Module, task: str) -> float:
    """Share of 256 held-out examples that are answered within 0.05."""
    inputs, targets = batch(task, 256, torch.Generator().manual_seed(1))
    with torch.no_grad():
        return float(((model(inputs)[:, 0] - targets).abs() < 0.05).float().mean())


def main(state: Path | None = None) -> Tutor:
    """Train until the tutor finds everything mastered, or the budget is spent."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(),
                          nn.Linear(64, 1))  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    source = torch.Generator().manual_seed(0)
    tutor = Tutor(
        list(TASKS),
        partial(RuleTeacher, TSCLSampling()),
        budget=f"{DECISIONS * STEPS}-steps",
        steps_per_decision=STEPS,
    )
    tutor.begin(scores={task: score(model, task) for task in TASKS})
    if state and state.exists():
        checkpoint = torch.load(state, weights_only=True)
        for part, part_state in zip((model, optimizer, tutor), checkpoint["parts"], strict=True):
            part.load_state_dict(part_state)
        source.set_state(checkpoint["source"])
    while not tutor.finished:
        task = tutor.choose()
        for _ in range(STEPS):
            parts = [batch(one, 16, source) for one in (task, task, task, *TASKS)]
            inputs, targets = (torch.cat(part) for part in zip(*parts, strict=True))
            loss = nn.functional.mse_loss(model(inputs)[:, 0], targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        tutor.observe(scores={task: score(model, task) for task in TASKS})
        print(f"{task:<10}", *(f"{name} {x:.2f}" for name, x in tutor.scores.items()))
        if state:
            states = [part.state_dict() for part in (model, optimizer, tutor)]
            torch.save({"parts": states, "source": source.get_state()}, state)
    return tutor


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
