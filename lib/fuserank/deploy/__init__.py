"""From a checkout to a cluster: the packed environment, the lines that submit it, and what a cluster lacks."""
