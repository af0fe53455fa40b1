"""A day on a GPU in one command, however long it is: ``python -m benchmarks.gpu_day --minutes 60 --out day``."""
