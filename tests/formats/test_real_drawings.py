"""Real segmentations and structure sets, voxel by voxel as their NRRD and NIfTI twins."""

from pathlib import Path

import numpy as np
import pytest
from drawn_files import mask_of_structures

from hounsfield.arrays import VoxelArray
from hounsfield.errors import FormatError, GeometryError
from hounsfield.formats import header, read
from hounsfield.formats.structures import drawings_at, open_drawing, parts_of

pytestmark = pytest.mark.real

DCMQI = Path("dicom_objects") / "dcmqi" / "segmentations"


def twin(path: Path) -> VoxelArray:
    """A mask whose slices run along the head, as those of the images here do."""
    mask = read(path)
    assert mask.affine[2, 0] > 0
    voxels: VoxelArray = mask.voxels[0]
    return voxels


@pytest.mark.parametrize(
    ("image", "drawing", "nrrd", "label"),
    [
        ("ct-3slice", "liver.dcm", "liver_seg.nrrd", 1),
        ("ct-3slice", "partial_overlaps.dcm", "partial_overlaps-{part}.nrrd", None),
        ("24x38x3/image", "24x38x3/seg/label.seg", "24x38x3/nrrd/label.nrrd", 1),
        ("23x38x3/image", "23x38x3/seg/label.seg", "23x38x3/nrrd/label.nrrd", None),
        ("24x38x3/image", "sparse-labelmap-noppv.dcm", "sparse_labelmap_noppv_seg.nrrd", 1),
        ("24x38x3/image", "sparse-labelmap-ppv5.dcm", "sparse_labelmap_ppv5_seg.nrrd", 1),
    ],
)
def test_segments_equal_their_nrrd_twins_exactly(
    real_data: Path, image: str, drawing: str, nrrd: str, label: int | None
) -> None:
    root = real_data / DCMQI
    found = {part.structure.number: part for part in parts_of(open_drawing(root / drawing), header(root / image))}
    twins = [twin(root / nrrd.format(part=part)) for part in ((1, 2, 3) if "{part}" in nrrd else (1,))]
    for number, part in found.items():
        wanted = np.any([mask == number for mask in twins], axis=0)
        np.testing.assert_array_equal(part.inside, wanted)
        assert part.inside.any() and part.notes == ()
    assert label is None or set(found) == {label}


def test_a_segmentation_of_overlapping_tissues_is_a_mask_of_bits(real_data: Path) -> None:
    root = real_data / DCMQI
    mask, _ = mask_of_structures(open_drawing(root / "partial_overlaps.dcm"), header(root / "ct-3slice"))
    assert mask.names == ("GREEN", "ORANGE", "PURPLE", "LIGHT_BLUE", "DARK_BLUE") and not mask.exclusive
    assert (np.bitwise_count(mask.labels) > 1).any()


def test_the_lung_tumour_equals_its_official_mask_exactly(real_data: Path) -> None:
    folder = real_data / "dicom_series" / "ibsi1_lung_ct"
    (part,) = parts_of(open_drawing(folder / "rtstruct.dcm"), header(folder / "ct"))
    assert np.count_nonzero(part.inside) == 125_256 and part.notes == ()
    np.testing.assert_array_equal(part.inside, twin(folder / "mask.nii.gz") > 0)


def test_each_series_has_the_structure_set_that_was_drawn_on_it(real_data: Path) -> None:
    folder = real_data / "dicom_series" / "sts_002"
    assert [path.name for path in drawings_at(folder)] == ["rtstruct_ct.dcm", "rtstruct_mr_t1.dcm", "rtstruct_pet.dcm"]
    drawing = open_drawing(folder / "rtstruct_mr_t1.dcm")
    (part,) = parts_of(drawing, header(folder / "mr_t1"))
    assert part.inside.any()
    with pytest.raises(GeometryError, match=rf"drawn on the series {drawing.series_uids[0]}, and .*ct is of the ser"):
        next(parts_of(drawing, header(folder / "ct")))


def test_a_tumour_equals_the_nifti_that_others_made_of_it(real_data: Path) -> None:
    (part,) = parts_of(
        open_drawing(real_data / "dicom_series" / "sts_002" / "rtstruct_mr_t1.dcm"),
        header(real_data / "dicom_series" / "sts_002" / "mr_t1"),
    )
    np.testing.assert_array_equal(part.inside, twin(real_data / "sts_ct_mr_pet" / "STS_002" / "gtv.nii.gz") > 0)


def test_a_segmentation_of_a_slide_is_refused(real_data: Path) -> None:
    with pytest.raises(FormatError, match="a segmentation of a whole-slide image"):
        open_drawing(real_data / "dicom_objects" / "highdicom" / "seg_image_sm_dots_tiled_full.dcm")
