"""What a listener likes: events, what they say about other tracks, and files of them."""
