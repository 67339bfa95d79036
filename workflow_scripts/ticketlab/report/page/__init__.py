"""The report page: what stands on it (one module for each part), how it is drawn, its template, style and script."""
