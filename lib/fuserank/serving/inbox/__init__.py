"""The inbox: what a service has to keep, in segment files that `bronze` takes in. One process writes a segment."""
