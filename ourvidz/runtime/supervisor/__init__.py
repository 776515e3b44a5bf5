"""What ``ourvidz up`` does: workers as child processes, started, watched, restarted, stopped."""
