"""Pages over a lake in a folder for this machine's own browser: read-only, without a JVM and without JavaScript."""
