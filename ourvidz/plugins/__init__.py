"""What a model is: typed hooks, the plugin manager, the model contract, and the built-in families."""
