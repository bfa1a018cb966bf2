"""Teachers that a config takes from files: where they are looked for, what the file fills in."""

import pytest
from fake_cohort import fake_room

from lessonplan.envs import CurriculumVecEnv
from lessonplan.experiments.config.loading import make_config, read_config, write_config
from lessonplan.experiments.config.sections.course import LOOKS
from lessonplan.teacher import RULES, LearnerStreams, RuleTeacher, keep_card, make_learner

COLUMNS = ("progress:ema=0.5", "score")


def save(path, card=None, action="task", algorithm="a2c", **options):
    """A learner in a file."""
    env = CurriculumVecEnv(fake_room(n=2, observe=COLUMNS, budget="9-steps", action=action))
    path.parent.mkdir(parents=True, exist_ok=True)
    with LearnerStreams(0).running():
        make_learner(algorithm, env, seed=0, width=4, **options).save(path)
    if card is not None:
        keep_card(path, card)
    return path


def config_of(*teachers):
    return make_config({"teachers": list(teachers)})


def test_the_file_says_what_the_config_leaves_out(tmp_path):
    file = save(tmp_path / "mine.zip", deterministic=False)
    (teacher,) = config_of({"name": "mine", "from": str(file)}).teachers
    assert (teacher.type, teacher.origin) == ("learned", str(file))
    assert teacher.observe == list(COLUMNS)
    assert (teacher.algorithm, teacher.action, teacher.deterministic) == ("a2c", "task", False)
    (twice,) = config_of({"name": "x", "from": str(file), "deterministic": True}).teachers
    assert twice.deterministic
    mixer = save(tmp_path / "mixer.zip", action="mixture")
    assert config_of({"name": "x", "from": str(mixer)}).teachers[0].action == "mixture"


def looks(teacher):
    return tuple(getattr(teacher, key) for key in LOOKS)


def test_a_teacher_looks_as_it_was_trained_where_the_config_does_not_say(tmp_path):
    looking = dict(zip(LOOKS, ("training", 5, 8, 0.25, 3.0), strict=True))
    file = save(tmp_path / "mine.zip", {"name": "a", "seed": 0, "looking": looking})
    (teacher,) = config_of({"name": "mine", "from": str(file)}).teachers
    assert looks(teacher) == ("training", 5, 8, 0.25, 3.0)
    own = {"name": "x", "from": str(file), "feedback": "full", "probe_every": 0, "half_life": None}
    config = config_of(own)
    assert looks(config.teachers[0]) == ("full", 0, 8, 0.25, 3.0)
    assert make_config(config.model_dump(mode="json")) == config
    # A file that does not say leaves it to the lifetime.
    silent = config_of({"name": "x", "from": str(save(tmp_path / "old.zip", {"seed": 0}))})
    assert looks(silent.teachers[0]) == (None,) * 5
    file.unlink()
    assert make_config(config.model_dump(mode="json")) == config
    broken = save(tmp_path / "broken.zip", {"name": "a", "seed": 0, "looking": "at all"})
    with pytest.raises(
        ValueError, match=r"damaged: .*looking must be names with values, got 'at a"
    ):
        config_of({"name": "x", "from": str(broken)})


def test_a_run_directory_becomes_the_file_in_it(tmp_path):
    for seed, cost in enumerate((9.0, 4.0)):
        save(tmp_path / f"run/teachers/ppo-{seed}.zip",
             {"name": "ppo", "seed": seed, "selection_cost": cost})  # fmt: skip
    (teacher,) = config_of({"name": "mine", "from": str(tmp_path / "run")}).teachers
    assert teacher.origin == str(tmp_path / "run/teachers/ppo-1.zip")


def test_a_path_is_taken_from_the_folder_of_the_config_and_then_from_the_working_directory(
    tmp_path, monkeypatch
):
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        save(folder / "both.zip")
    save(here / "one.zip")
    (there / "run.yaml").write_text(
        "teachers: [{name: a, from: both.zip}, {name: b, from: one.zip}]"
    )
    monkeypatch.chdir(here)
    teachers = read_config(there / "run.yaml").teachers
    assert [one.origin for one in teachers] == [str(there / "both.zip"), str(here / "one.zip")]
    assert config_of({"name": "c", "from": "both.zip"}).teachers[0].origin == str(here / "both.zip")
    (there / "run.yaml").write_text("teachers: [{name: a, from: gone.zip}]")
    with pytest.raises(ValueError, match=r"teacher 'a': there is no gone\.zip, in the folder of t"):
        read_config(there / "run.yaml")


def test_an_override_takes_a_learned_teacher_from_a_file_with_its_settings_of_training_left_aside(
    tmp_path,
):
    (tmp_path / "run.yaml").write_text(
        "teachers: [{name: ppo, type: learned, seeds: 3, decisions: 100, sampled: true}]"
    )
    file = save(tmp_path / "mine.zip")
    teacher = read_config(tmp_path / "run.yaml", [f"teachers.ppo.from={file}"]).teacher("ppo")
    assert (teacher.origin, teacher.observe) == (str(file), list(COLUMNS))
    assert (teacher.seeds, teacher.decisions, teacher.sampled) == (1, 51_200, True)
    (tmp_path / "run.yaml").write_text(
        "teachers: [{name: ppo, type: learned, observe: [score], action: mixture}]"
    )
    words = [f"teachers.ppo.from={file}", "teachers.ppo.observe=null", "teachers.ppo.action=null"]
    teacher = read_config(tmp_path / "run.yaml", words).teacher("ppo")
    assert (teacher.observe, teacher.action) == (list(COLUMNS), "task")


def test_a_config_that_was_written_reads_the_same_also_when_the_file_is_gone(tmp_path):
    file = save(tmp_path / "mine.zip")
    config = config_of({"name": "mine", "from": str(file)}, {"name": "ppo", "type": "learned"})
    write_config(config, tmp_path / "config.yaml")
    assert f"from: {file}" in (tmp_path / "config.yaml").read_text()
    file.unlink()
    assert read_config(tmp_path / "config.yaml") == config
    assert make_config(config.model_dump(mode="json")) == config


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"from": "empty"}, "teacher 'x': .*empty holds no stored teacher; give the directory"),
        ({"from": "rule.zip"}, "rule.zip holds a rule, which a config names with rule:"),
        ({"from": "mine.zip", "type": "rule", "rule": "uniform"}, "for teachers with type: learne"),
        ({"from": "mine.zip", "decisons": 4}, "there is no teachers.x.decisons; did you mean"),
        ({"from": 4}, "teachers.x.from: write text, such as runs/first, got 4"),
    ],
)  # fmt: skip
def test_what_can_not_be_taken_is_refused_in_one_sentence(section, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "mine.zip")
    (tmp_path / "empty").mkdir()
    rule = RULES["uniform"]()
    env = CurriculumVecEnv(fake_room(observe=("progress", *rule.needs, "key"), budget="9-steps"))
    RuleTeacher(rule, env).save(tmp_path / "rule")
    with pytest.raises(ValueError, match=words):
        config_of({"name": "x"} | section)
