"""Images that are put together from several: on one grid or several, of one file or of one each."""

from __future__ import annotations

from pathlib import Path

import cv2
import nibabel
import numpy as np
import pytest
from drawn_files import write_series
from pydicom.uid import generate_uid

from hounsfield.arrays import VoxelArray
from hounsfield.datasets.case import Case, Channel, Crop, Dataset, ImageRef
from hounsfield.datasets.channels import image_of, path_of, with_channels
from hounsfield.datasets.digest import case_digests
from hounsfield.datasets.headers import outside
from hounsfield.datasets.load import header_of, load
from hounsfield.errors import DatasetError, FormatError, GeometryError
from hounsfield.findings import Box
from hounsfield.formats.header import Header

COARSE = np.diag([2.0, 2.0, 2.0, 1.0])


def save(path: Path, voxels: VoxelArray, affine: VoxelArray | None = None) -> Path:
    """NIfTI of voxels (d, h, w), or (volume, d, h, w), with an affine over (w, h, d)."""
    nibabel.save(nibabel.Nifti1Image(voxels.T, np.eye(4) if affine is None else affine), path)
    return path


def ramp(shape: tuple[int, int, int] = (4, 6, 8), dtype: str = "int16") -> VoxelArray:
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def test_files_on_one_grid_become_the_channels_in_their_order(tmp_path: Path) -> None:
    one, two = save(tmp_path / "b.nii", ramp()), save(tmp_path / "a.nii", -ramp())
    ref = image_of({"T1": one, "PET": two})
    image = load(ref)
    assert ref.path == one
    assert image.channel_names == ("T1", "PET") and image.voxels.dtype == np.int16
    np.testing.assert_array_equal(image.voxels, [ramp(), -ramp()])
    np.testing.assert_array_equal(image.affine, load(ImageRef(one)).affine)
    header = header_of(ref)
    assert (header.channels, header.shape, header.dtype) == (2, (4, 6, 8), np.int16)
    first, second = image.apart
    np.testing.assert_array_equal(second.voxels[0], -ramp())
    assert first.channel_names == ()


def test_files_of_several_types_are_all_float32(tmp_path: Path) -> None:
    ref = image_of({"CT": save(tmp_path / "ct.nii", ramp()), "PET": save(tmp_path / "p.nii", ramp(dtype="float32"))})
    assert load(ref).voxels.dtype == header_of(ref).dtype == np.float32


def test_volumes_of_one_file_are_channels_where_that_many_are_named(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii.gz", np.stack([ramp(), 2 * ramp(), 3 * ramp()]))
    ref = image_of(dict.fromkeys(("FLAIR", "T1w", "T2w"), path))
    assert ref.channels[2] == Channel("T2w", path, 2, 3)
    np.testing.assert_array_equal(load(ref).voxels, [ramp(), 2 * ramp(), 3 * ramp()])
    with pytest.raises(FormatError, match=r"a\.nii\.gz: 2 channels were expected, and it holds 3 volumes"):
        load(image_of(dict.fromkeys(("FLAIR", "T1w"), path)))
    with pytest.raises(FormatError, match="a series of 3 volumes"):
        load(ImageRef(path))


def test_a_coarse_channel_is_linear_between_its_voxels_and_falls_to_its_lowest_level_beyond(tmp_path: Path) -> None:
    """Three voxels of 2 mm along the width, at 1.5, 3.5 and 5.5 mm, on a grid of eight of 1 mm that begins at 0: their
    edges lie at 0.5 and 6.5 mm."""
    affine = np.diag([2.0, 1.0, 1.0, 1.0])
    affine[0, 3] = 1.5
    levels = np.broadcast_to(np.array([5.0, 3.0, 7.0], np.float32), (8, 8, 3))
    fine = save(tmp_path / "fine.nii", ramp((8, 8, 8), "float32"))
    moved = load(image_of({"T1": fine, "PET": save(tmp_path / "coarse.nii", levels, affine)})).voxels[1]
    np.testing.assert_allclose(
        moved, np.broadcast_to([3, 5, 4.5, 3.5, 4, 6, 7, 3], (8, 8, 8)).astype(np.float32), atol=1e-5
    )


def flat(folder: Path, off_mm: float) -> ImageRef:
    """Two flat channels, 5 mm thick, of which the second lies so far off along depth and holds 100 everywhere but in a
    corner."""
    levels = np.full((1, 6, 8), 100, np.int16)
    levels[0, 0, 0] = 0
    affines = [np.diag([1.0, 1.0, 5.0, 1.0]) for _ in range(2)]
    affines[1][2, 3] = off_mm
    one, two = (save(folder / f"{number}.nii", levels, affine) for number, affine in enumerate(affines))
    return image_of({"T1": one, "T2": two})


@pytest.mark.parametrize("off_mm", [0.0, 1.5, -2.4])
def test_a_flat_channel_keeps_its_levels_within_half_a_slice(tmp_path: Path, off_mm: float) -> None:
    image = load(flat(tmp_path, off_mm))
    np.testing.assert_array_equal(image.voxels[1], image.voxels[0])


def test_a_flat_channel_of_the_next_slice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GeometryError, match=r"1\.nii shows 0% of what .*0\.nii shows"):
        load(flat(tmp_path, 4.5))


@pytest.mark.parametrize(("slices", "accepted"), [(1, False), (4, False), (5, True)])
def test_a_channel_has_to_show_half_of_the_first(tmp_path: Path, slices: int, accepted: bool) -> None:
    above = np.eye(4)
    above[2, 3] = 10 - slices
    ref = image_of(
        {"T1": save(tmp_path / "a.nii", ramp((10, 6, 8))), "CT": save(tmp_path / "b.nii", ramp((10, 6, 8)), above)}
    )
    if accepted:
        assert load(ref).voxels[1, 5:].any() and not load(ref).voxels[1, :5].any()
        return
    for look in (load, header_of):
        with pytest.raises(GeometryError, match=rf"b\.nii shows {slices}0% of what .*a\.nii shows, .* 50% are needed"):
            look(ref)


def without_a_place(path: Path, shape: tuple[int, int, int], spacing: float) -> Path:
    """NIfTI that begins at 0, on axes like ours, as SimpleITK writes it where nothing is known."""
    return save(path, ramp(shape), np.diag([-spacing, -spacing, spacing, 1.0]))


def test_as_many_voxels_are_not_one_grid_where_their_sizes_differ(tmp_path: Path) -> None:
    fine, shape = save(tmp_path / "fine.nii", ramp((16, 16, 16))), (16, 16, 16)
    ref = image_of({"T1": fine, "PET": without_a_place(tmp_path / "coarse.nii", shape, 4.0)})
    wanted = (
        r"fine\.nii and .*coarse\.nii have 16 × 16 × 16 voxels of 1 × 1 × 1 mm and 16 × 16 × 16 voxels of 4 × 4 × 4 mm"
        r" .* not known of both where they lie"
    )
    for look in (load, header_of):
        with pytest.raises(GeometryError, match=wanted):
            look(ref)
    alike = image_of({"T1": fine, "PET": without_a_place(tmp_path / "alike.nii", shape, 1.001)})
    np.testing.assert_array_equal(load(alike).voxels[1], load(alike).voxels[0])


def test_the_source_is_that_of_the_channels_that_are_taken(tmp_path: Path) -> None:
    uid = generate_uid()
    for name in ("ct", "t1", "pet"):
        write_series(tmp_path / name, ramp((3, 4, 4)) + 1, FrameOfReferenceUID=uid)
    ref = image_of({name: tmp_path / name for name in ("ct", "t1", "pet")})
    own = {name: load(ImageRef(tmp_path / name)).source for name in ("ct", "t1", "pet")}
    chosen = with_channels(ref, ("t1", "pet"), of="case")
    source = load(chosen).source
    assert source.sop_uids == (*own["t1"].sop_uids, *own["pet"].sop_uids) and len(source.sop_uids) == 6
    assert (source.path, source.series_uid) == (tmp_path / "t1", own["t1"].series_uid)
    assert path_of(chosen) == path_of(ref, ("t1", "pet")) == tmp_path / "t1" and path_of(ref) == tmp_path / "ct"
    assert header_of(chosen).source.sop_uids == own["ct"].sop_uids  # masks are drawn on the grid


def test_the_header_says_what_each_channel_is_and_each_file_is_opened_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hounsfield import formats

    opened: list[Path] = []

    def header(path: Path, **options: int) -> Header:
        opened.append(path)
        return real(path, **options)

    real = formats.header
    monkeypatch.setattr(formats, "header", header)
    paths = {"CT": save(tmp_path / "a.nii", ramp()), "PET": save(tmp_path / "b.nii", ramp(dtype="float32"))}
    found = outside(image_of(paths))
    assert found.by_channel == (("", "int16"), ("", "float32")) and found.dtype == "float32"
    assert sorted(opened) == sorted(paths.values())


def test_the_grid_is_that_of_the_first_channel_whichever_are_taken(tmp_path: Path) -> None:
    fine, coarse = save(tmp_path / "f.nii", ramp((6, 6, 6))), save(tmp_path / "c.nii", ramp((3, 3, 3)), COARSE)
    ref = image_of({"T1": fine, "PET": coarse})
    chosen = with_channels(ref, ("PET",), of="case")
    assert load(chosen).shape == (6, 6, 6)
    np.testing.assert_array_equal(load(chosen).voxels[0], load(ref).voxels[1])
    turned = load(with_channels(ref, ("PET", "T1"), of="case"))
    assert turned.channel_names == ("PET", "T1")
    np.testing.assert_array_equal(turned.voxels[1], load(ref).voxels[0])


def test_channels_that_are_lacking_or_too_many_are_named(tmp_path: Path) -> None:
    ref = image_of({"T1": tmp_path / "a", "PET": tmp_path / "b"})
    with pytest.raises(DatasetError, match="P1 has the channels T1, PET, and the model looks at T1, CT: give CT too"):
        with_channels(ref, ("T1", "CT"), of="P1")
    with pytest.raises(DatasetError, match="P1 has the channels T1, PET, and the model looks at one image a case"):
        with_channels(ref, (), of="P1")
    with pytest.raises(DatasetError, match="P1 has one image a case, and the model looks at the channels T1, PET"):
        with_channels(ImageRef(tmp_path / "a"), ("T1", "PET"), of="P1")


def test_grids_that_differ_without_a_place_in_the_patient_are_refused_with_both_names(tmp_path: Path) -> None:
    for name, side in (("a.png", 8), ("b.png", 9)):
        cv2.imwrite(str(tmp_path / name), np.zeros((side, 8), np.uint8))
    ref = image_of({"red": tmp_path / "a.png", "far red": tmp_path / "b.png"})
    wanted = r"a\.png and .*b\.png have 1 × 8 × 8 voxels and 1 × 9 × 8 voxels .* not known of both where they lie"
    for look in (load, header_of):
        with pytest.raises(GeometryError, match=wanted):
            look(ref)
    cv2.imwrite(str(tmp_path / "b.png"), np.ones((8, 8), np.uint8))
    assert load(ref).voxels.mean(axis=(1, 2, 3)).tolist() == [0, 1]


def test_nifti_without_an_affine_knows_no_place(tmp_path: Path) -> None:
    for name, shape, spacing in (("a", (4, 6, 8), 3.0), ("b", (4, 6, 9), 3.0)):
        made = nibabel.Nifti1Image(ramp(shape).T, None)
        made.header["pixdim"][1:4] = (1.0, 2.0, spacing)
        nibabel.save(made, tmp_path / f"{name}.nii")
    with pytest.raises(GeometryError, match="not known of both where they lie"):
        load(image_of({"T1": tmp_path / "a.nii", "PET": tmp_path / "b.nii"}))


def test_series_in_different_frames_of_reference_are_refused_and_in_one_are_put_together(tmp_path: Path) -> None:
    uid = generate_uid()
    for name, shape, frame in (("a", (5, 4, 4), uid), ("b", (4, 4, 4), uid), ("c", (5, 4, 4), generate_uid())):
        write_series(tmp_path / name, ramp(shape) + 1, Modality="CT", FrameOfReferenceUID=frame)
    image = load(image_of({"CT": tmp_path / "a", "again": tmp_path / "b"}))
    assert image.shape == (5, 4, 4) and image.modality == "CT"
    np.testing.assert_allclose(image.voxels[1, :4], image.voxels[0, :4], atol=1e-3)
    assert (image.voxels[1, 4] == 1).all()
    with pytest.raises(GeometryError, match="a and .*c are in different frames of reference.* register one"):
        load(image_of({"CT": tmp_path / "a", "again": tmp_path / "c"}))


def test_channels_that_lie_elsewhere_in_the_patient_are_refused(tmp_path: Path) -> None:
    far = np.eye(4)
    far[0, 3] = 100
    ref = image_of({"T1": save(tmp_path / "a.nii", ramp()), "PET": save(tmp_path / "b.nii", ramp(), far)})
    with pytest.raises(GeometryError, match=r"b\.nii shows 0% of what .*a\.nii shows, by their places in the patient"):
        header_of(ref)


def test_a_coloured_picture_is_no_channel_and_a_grey_one_in_three_equal_is(tmp_path: Path) -> None:
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8)
    cv2.imwrite(str(tmp_path / "grey.png"), grey)
    cv2.imwrite(str(tmp_path / "three.png"), np.stack([grey] * 3, axis=-1))
    cv2.imwrite(str(tmp_path / "colour.png"), np.stack([grey, grey + 1, grey], axis=-1))
    image = load(image_of({"a": tmp_path / "grey.png", "b": tmp_path / "three.png"}))
    np.testing.assert_array_equal(image.voxels[0], image.voxels[1])
    with pytest.raises(FormatError, match=r"colour\.png is in colour, and the channel b is one grey image"):
        load(image_of({"a": tmp_path / "grey.png", "b": tmp_path / "colour.png"}))


def test_no_square_is_cut_out_of_several_channels(tmp_path: Path) -> None:
    ref = ImageRef(tmp_path / "a", crop=Crop(Box(0, 0, 2, 2)), channels=image_of({"a": tmp_path / "a"}).channels)
    with pytest.raises(DatasetError, match="no square is cut out of several"):
        load(ref)


def test_cases_have_the_channels_of_their_data_set(tmp_path: Path) -> None:
    case = Case(id="1", patient="1", images={"image": image_of({"T1": tmp_path / "a", "PET": tmp_path / "b"})})
    Dataset("data", tmp_path, (case,), (), "table", channels={"T1": "MR", "PET": "PT"})
    for channels in ({}, {"PET": "PT", "T1": "MR"}):
        with pytest.raises(DatasetError, match="the case '1' has other channels than"):
            Dataset("data", tmp_path, (case,), (), "table", channels=channels)


def test_a_case_is_known_by_each_of_its_channels(tmp_path: Path) -> None:
    one, two = save(tmp_path / "a.nii", ramp()), save(tmp_path / "b.nii", -ramp())
    both = Case(id="1", patient="1", images={"image": image_of({"T1": one, "PET": two})})
    alone = Case(id="2", patient="2", images={"image": ImageRef(two)})
    digests = case_digests([both, alone])
    assert len(digests[0]) == 2 and digests[1] < digests[0]
