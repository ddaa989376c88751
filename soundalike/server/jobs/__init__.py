"""Work that takes minutes: indexing, a new map. Each job runs in a process of its own."""
