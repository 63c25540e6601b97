"""Sequences of takings: windows of them, and models that learn what comes next."""
