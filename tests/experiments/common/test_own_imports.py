"""What one's own modules import from beside them is found, however it is imported."""

from own_folder import write_modules

from lessonplan.experiments.common.own_code.imports import own_files


def test_what_is_imported_in_turn_is_found_and_nothing_else(tmp_path):
    write_modules(
        tmp_path,
        lp_a="import lp_b\nimport json, yaml, lp_gone\nfrom lp_pack import inner",
        lp_b="def f():\n    import lp_c\n",
        lp_c="import lp_a",
        lp_unused="",
        json="",
        yaml="",
    )
    write_modules(
        tmp_path / "lp_pack", __init__="", inner="from . import other\nfrom .more import X"
    )
    write_modules(tmp_path / "lp_pack", other="", more="X = 1", unused="")
    files = own_files(["lp_a", "lp_nowhere"], [str(tmp_path)])
    inside = {"lp_pack", "lp_pack.inner", "lp_pack.other", "lp_pack.more"}
    assert set(files) == {"lp_a", "lp_b", "lp_c"} | inside
    assert files["lp_pack"] == tmp_path / "lp_pack" / "__init__.py"


def test_what_can_not_be_read_is_found_and_imports_nothing(tmp_path):
    write_modules(tmp_path, lp_a="import lp_b, lp_c", lp_b="def (", lp_c="from ... import far")
    assert set(own_files(["lp_a"], [str(tmp_path)])) == {"lp_a", "lp_b", "lp_c"}
