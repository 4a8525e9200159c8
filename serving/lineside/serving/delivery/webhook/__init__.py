"""Webhooks: CloudEvents 1.0 over HTTP, signed after Standard Webhooks, to any number of receivers."""
