"""One room a stage of the chain: pure functions of frames, settings and as_of."""
