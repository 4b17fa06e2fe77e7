"""From a stored image to what a network sees: filters, breast region, intensities, resampling."""
