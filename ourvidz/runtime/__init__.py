"""What runs: clients that submit and ask, workers that claim, make, store and tell."""
