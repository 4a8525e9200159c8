"""What a station needs to judge by itself while the server is away."""
