"""From files never seen to a mapping."""
