"""Rules that whole tables must keep: counted from silver, judged by the settings' limits."""
