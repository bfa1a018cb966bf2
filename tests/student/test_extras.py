"""What installs an extra, by how the package came here."""

import configparser
import json

import pytest
from new_process import run_python
from places import ROOT

from lessonplan.student import extras, install_hint

SAID = "from lessonplan.student import install_hint; print(install_hint('hf'))"
URL = "https://host/pkg"


class Installed:
    """A package as pip left it."""

    def __init__(self, origin=None, requires=()):
        self.origin, self.requires = origin, list(requires)

    def read_text(self, name):
        assert name == "direct_url.json"
        return json.dumps(self.origin) if self.origin else None


@pytest.fixture
def installed(monkeypatch):
    """Has packages installed in this order."""

    def install(*packages):
        monkeypatch.setattr(extras, "distributions", lambda name: iter(packages))

    return install


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        ({"url": f"{URL}.whl", "archive_info": {}}, f'"lessonplan[hf] @ {URL}.whl"'),
        (
            {"url": URL, "vcs_info": {"vcs": "git", "commit_id": "a1"}},
            f'"lessonplan[hf] @ git+{URL}@a1"',
        ),
        (
            {"url": URL, "vcs_info": {"vcs": "git", "commit_id": "a1"}, "subdirectory": "p"},
            f'"lessonplan[hf] @ git+{URL}@a1#subdirectory=p"',
        ),
    ],
)
def test_what_came_from_a_url_names_the_url(installed, origin, command):
    installed(Installed(origin))
    assert install_hint("hf") == f"pip install {command}"


def test_what_came_from_a_folder_or_wheel_names_it_as_long_as_it_is_there(installed, tmp_path):
    folder, wheel = tmp_path / "a checkout", tmp_path / "a.whl"
    at_folder, at_wheel = {"dir_info": {}}, {"archive_info": {}}
    libraries = ['tokenizers>=0.21; extra == "hf"', "torch>=2", 'ray; extra == "all"']
    for path, kind in ((folder, at_folder), (wheel, at_wheel)):
        installed(Installed(kind | {"url": path.as_uri()}, libraries))
        assert install_hint("hf") == 'pip install "tokenizers>=0.21"'
    folder.mkdir()
    wheel.touch()
    assert install_hint("hf") == f'pip install "{wheel}[hf]"'
    installed(Installed(at_folder | {"url": folder.as_uri()}))
    assert install_hint("hf") == f'pip install ".[hf]" in {folder}'
    installed(Installed({"url": folder.as_uri(), "dir_info": {"editable": True}}))
    assert install_hint("hf") == f'pip install -e ".[hf]" in {folder}'


def test_what_came_from_an_index_or_nowhere_names_no_package_of_ours(installed):
    two = ['peft>=1; extra == "hf"', "accelerate>=1 ; extra == 'hf'", 'trl; extra == "trl"']
    installed(Installed(None, two))
    assert install_hint("hf") == 'pip install "peft>=1" "accelerate>=1"'
    installed()
    assert install_hint("hf") == 'pip install ".[hf]" in a checkout of lessonplan'
    # As setuptools leaves one in a checkout, which comes first where Python is started there.
    installed(Installed(None, two), Installed({"url": f"{URL}.whl", "archive_info": {}}))
    assert install_hint("hf") == f'pip install "lessonplan[hf] @ {URL}.whl"'


@pytest.mark.slow
def test_a_real_installation_is_read_wherever_python_is_started(tmp_path):
    assert run_python(SAID, cwd=tmp_path) == run_python(SAID, cwd=ROOT)


def test_sentences_of_a_room_without_the_hint_name_what_the_extra_brings():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    (needs,) = setup["options.extras_require"]["contrib"].split()
    sentence = (ROOT / "teacher/learners/algorithms.py").read_text()
    assert f'pip install "{needs}"' in sentence
