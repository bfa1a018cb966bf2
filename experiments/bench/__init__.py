"""Speed, as ratios: `lessonplan bench` and the longer measurements beside it.

Nothing is imported here, since several files are run by `python -m`, in processes whose memory is
measured.
"""
