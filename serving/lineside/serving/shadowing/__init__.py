"""Two releases on the same parts: one gives the verdict, the other is compared with it."""
