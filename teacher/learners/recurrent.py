"""A memory per task: one LSTM, shared by all tasks, follows the columns of each.

Legend: l steps, n sequences, k tasks, f columns, h width.
"""

import torch
from torch import Tensor, nn


class TaskwiseLSTM(nn.Module):
    """Follows every task by itself with the same weights.

    It has the face of an `nn.LSTM` of one layer with k f inputs and k h units, so it fits where
    sb3-contrib steps, stores and resets one. What it hands on is each task's columns beside its
    memory.

    Args:
        n_tasks: k places.
        n_columns: f.
        width: h units per task.
    """

    num_layers = 1

    def __init__(self, n_tasks: int, n_columns: int, width: int) -> None:
        super().__init__()
        self.n_tasks, self.n_columns, self.width = n_tasks, n_columns, width
        self.input_size, self.hidden_size = n_tasks * n_columns, n_tasks * width
        self.cell = nn.LSTM(n_columns, width)

    def forward(
        self, columns: Tensor, states: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Columns (l, n, k f) and states (1, n, k h) to (l, n, k, f + h) and states."""
        steps, sequences = columns.shape[:2]
        tasks = columns.reshape(steps, sequences * self.n_tasks, self.n_columns)
        hidden, cell = (state.reshape(1, -1, self.width) for state in states)
        memory, after = self.cell(tasks, (hidden.contiguous(), cell.contiguous()))
        whole = torch.cat([tasks, memory], dim=2)
        beside = whole.reshape(steps, sequences, self.n_tasks, self.n_columns + self.width)
        hidden, cell = (state.reshape(1, sequences, self.hidden_size) for state in after)
        return beside, (hidden, cell)

    def beside(self, columns: Tensor, hidden: Tensor) -> Tensor:
        """Columns (n, k, f) beside the memory after them (n, k h), (n, k, f + h)."""
        return torch.cat([columns, hidden.reshape(len(columns), self.n_tasks, self.width)], dim=2)
