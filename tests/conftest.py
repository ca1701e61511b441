"""One torch thread a process, as everywhere in the course: the tests share the machine, and two threads would fight."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

torch.set_num_threads(1)
