"""What `hounsfield doctor` looks at: the machine, the packages, the DICOM codecs, and what follows from them."""
