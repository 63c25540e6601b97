"""A shop that is played: the service with its collector for one run, a demo shop's pages, the past once more."""
