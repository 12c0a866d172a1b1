"""What shoppers reach: the app proxy's addresses, and the metafields that the theme prints."""
