"""How good lists are: protocols, metrics, intervals, the leaderboard."""
