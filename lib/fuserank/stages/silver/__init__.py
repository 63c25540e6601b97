"""A shop's rows typed, keyed and checked."""
