"""The lake, sessions and batches: the only room that opens what lies outside of this process."""
