"""The pages. Each names its regions and their readers; a region is read when it is wanted."""
