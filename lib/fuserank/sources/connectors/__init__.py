"""Connectors: each fetches what is new since a cursor, in pieces that ``land`` writes as files for bronze.

One file a kind.
"""
