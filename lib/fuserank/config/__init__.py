"""Settings: typed, frozen, loaded from conf/."""
