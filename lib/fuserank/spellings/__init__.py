"""How cells are written: numbers, times, codes; one reading for `init` and for the chain."""
