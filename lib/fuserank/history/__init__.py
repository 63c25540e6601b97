"""What a user took: the one room that says which events count, what a basket is, and where windows begin and end."""
