"""One thread: small steps on many threads wait for each other, the more so beside other tests."""

import torch

torch.set_num_threads(1)
