"""A whole experiment that takes seconds."""

CONFIG = {
    "name": "tiny",
    "suite": {"name": "parity", "options": {"n_tasks": 3, "n_signs": 8}},
    "student": {"options": {"hidden": [16]}, "batch_size": 8, "evaluation_size": 16},
    "lifetime": {"budget": "120-steps", "steps_per_decision": 10, "end_after": 2},
    "seeds": {"report": 4, "select": 3},
    "checkpoint_seconds": 0.01,
    "tuning": {"lifetimes": 9, "students": 3},
    "teachers": [
        {
            "name": "ppo",
            "type": "learned",
            "observe": ["progress:ema=0.5", "score"],
            "students": 4,
            "decisions": 192,
            "candidates": 2,
            "sampled": True,
            "settings": {"n_steps": 8, "batch_size": 16, "n_epochs": 2},
        },
        {"name": "ppo-shuffled", "type": "replay", "of": "ppo"},
        "uniform",
        {"name": "in-order-tuned", "rule": "in_order", "tune": True},
        "exp3s",
    ],
}
