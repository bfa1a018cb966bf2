"""What tests of students share."""

import pytest


@pytest.fixture(scope="session")
def tiny():
    """The kit of tiny pretrained models; skips where transformers or PEFT is missing."""
    reason = "needs transformers and PEFT"
    pytest.importorskip("transformers", reason=reason)
    pytest.importorskip("peft", reason=reason)
    import tiny_pretrained

    return tiny_pretrained


@pytest.fixture(scope="session")
def llm(tmp_path_factory):
    """Folder of a tiny GPT-2."""
    pytest.importorskip("transformers", reason="the hf extra is not installed")
    from tiny_pretrained import save_tiny_gpt2

    return save_tiny_gpt2(tmp_path_factory.mktemp("gpt2"))
