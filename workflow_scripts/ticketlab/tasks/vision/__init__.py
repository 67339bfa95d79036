"""Image sets as people have them: reading their files, and pixels and labels on one scale."""
