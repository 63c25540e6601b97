"""Tables and files of a lake."""
