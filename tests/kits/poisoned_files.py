"""Files of teachers and checkpoints in which everything that can be pickled leaves a proof."""

import base64
import io
import json
import zipfile
from pathlib import Path

import torch


def members_of(path):
    """All that is in a zip."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_zip(path, members):
    """A zip with these members."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return Path(path)


def poisoned(path, target, strangers, names=None, beside=True):
    """A copy of a zip of SB3's whose pickles, or those of these attributes, leave proofs.

    What SB3 writes beside a pickle stays, or nothing does.
    """
    members = members_of(path)
    data = json.loads(members["data"])
    for name, value in data.items():
        pickled = isinstance(value, dict) and ":serialized:" in value
        if pickled if names is None else name in names:
            evil = base64.b64encode(strangers.pickle(name)).decode()
            data[name] = (value if pickled and beside else {}) | {":serialized:": evil}
    return write_zip(target, members | {"data": json.dumps(data)})


def evil_weights(strangers, name):
    """What `torch.save` writes of an object that leaves a proof."""
    buffer = io.BytesIO()
    torch.save({"weight": strangers.unpickled(name)}, buffer)
    return buffer.getvalue()
