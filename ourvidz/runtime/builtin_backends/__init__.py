"""The built-in backends as plugins: which URLs they serve. Their code is loaded when one is opened."""
