"""What learns: recommenders, models, and how models are trained."""
