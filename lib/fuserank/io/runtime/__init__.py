"""Sessions, executors, ranks, and the ledger of a run."""
