# SPDX-License-Identifier: Apache-2.0
import wave
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hocket_tools.frames.files import open_source
from hocket_tools.frames.tensor import SourceError, TensorSpec, quantize
from paths import DATA

INT8 = TensorSpec((1, 4), "int8", 0.5, 3)
IMAGE = TensorSpec((1, 2, 3, 1), "int8", 1 / 255, -128)


def take(source, count):
    return [frame.copy() for frame in islice(source, count)]


@pytest.fixture
def save(tmp_path):
    def write(values, name="x.npy"):
        path = tmp_path / name
        np.save(path, values)
        return path

    return write


@pytest.fixture
def save_wav(tmp_path):
    def write(values, *, channels=1, dtype="<i2"):
        path = tmp_path / "x.wav"
        data = np.asarray(values, dtype)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(data.dtype.itemsize)
            file.setframerate(16000)
            file.writeframes(data.tobytes())
        return path

    return write


# Quantization


@given(
    st.floats(-1e6, 1e6),
    st.floats(1e-3, 1e3),
    st.integers(-128, 127),
    st.sampled_from(["int8", "uint8", "int16"]),
)
def test_quantized_values_are_near_or_saturated(value, scale, zero_point, dtype):
    tensor = TensorSpec((1,), dtype, scale, zero_point)
    got = int(quantize(np.array([value]), tensor)[0])
    low, high = tensor.limits()
    exact = value / scale + zero_point
    assert abs(got - min(max(exact, low), high)) <= 0.5 + 1e-6


@pytest.mark.parametrize(("real", "expected"), [(0.25, 4), (-0.25, 2), (0.0, 3), (1e9, 127)])
def test_halves_are_rounded_away_from_zero_and_excess_saturates(real, expected):
    assert quantize(np.array([real]), INT8) == [expected]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(value):
    with pytest.raises(SourceError, match="not finite"):
        quantize(np.array([value]), INT8)


def test_a_tensor_without_scale_is_refused():
    with pytest.raises(SourceError, match="scale"):
        quantize(np.array([1.0]), TensorSpec((1,), "int8", 0.0))


# numpy files


def test_one_array_is_one_frame_that_comes_again(save):
    values = np.arange(4, dtype=np.int8).reshape(1, 4)
    first, second = take(open_source(INT8, file=save(values)), 2)
    assert (first == values).all()
    assert (second == values).all()
    assert first.dtype == np.int8


def test_a_first_axis_counts_frames(save):
    values = np.arange(12, dtype=np.int8).reshape(3, 4)
    frames = take(open_source(INT8, file=save(values), loop=False), 9)
    assert [f.tolist() for f in frames] == [[row] for row in values.tolist()]


def test_flat_bytes_are_cut_into_frames(save):
    frames = take(open_source(INT8, file=save(np.arange(8, dtype=np.int8)), loop=False), 9)
    assert [f.tolist() for f in frames] == [[[0, 1, 2, 3]], [[4, 5, 6, 7]]]


def test_raw_reinterprets_integers_of_the_same_width(save):
    path = save(np.array([[0, 127, 128, 255]], dtype=np.uint8))
    assert next(open_source(INT8, file=path)).tolist() == [[0, 127, -128, -1]]


def test_raw_refuses_another_width(save):
    with pytest.raises(SourceError, match="not of the tensor's size") as caught:
        open_source(INT8, file=save(np.zeros((1, 4), np.float32)))
    assert "quantize" in str(caught.value)


def test_quantize_takes_floats_through_scale_and_zero_point(save):
    path = save(np.array([[0.0, 1.0, -1.0, 1000.0]]))
    assert next(open_source(INT8, file=path, mode="quantize")).tolist() == [[3, 5, 1, 127]]


@pytest.mark.parametrize("shape", [(2, 3), (3,), (0, 4), (4, 1)])
def test_another_shape_is_refused(save, shape):
    with pytest.raises(SourceError, match="does not fit") as caught:
        open_source(INT8, file=save(np.zeros(shape, np.int8)))
    assert "x.npy" in str(caught.value)


def test_frames_cannot_be_spoilt_for_the_next_round(save):
    frame = next(open_source(INT8, file=save(np.zeros((1, 4), np.int8))))
    with pytest.raises(ValueError, match="read-only"):
        frame[0, 0] = 1


def test_an_npz_gives_its_array_by_name(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, a=np.zeros((1, 4), np.int8), b=np.ones((1, 4), np.int8))
    assert next(open_source(INT8, file=path, array="b")).tolist() == [[1, 1, 1, 1]]


@pytest.mark.parametrize("name", [None, "c"])
def test_an_npz_with_several_arrays_lists_them(tmp_path, name):
    path = tmp_path / "x.npz"
    np.savez(path, a=np.zeros(4), b=np.zeros(4))
    with pytest.raises(SourceError, match="one of a, b"):
        open_source(INT8, file=path, array=name)


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.png", "x.bmp", "x.wav"])
@given(data=st.binary(max_size=64))
def test_a_file_of_anything_else_is_told_by_name(tmp_path_factory, name, data):
    path = tmp_path_factory.mktemp("any") / name
    path.write_bytes(data)
    with pytest.raises(SourceError) as caught:
        open_source(IMAGE, file=path)
    assert name in str(caught.value)


def test_an_array_of_objects_is_refused(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(SourceError, match="numpy file"):
        open_source(INT8, file=path)


# Images


@pytest.mark.parametrize("suffix", [".png", ".bmp"])
def test_pixels_are_quantized_over_what_the_tensor_represents(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    Image.fromarray(np.array([[0, 1, 2], [253, 254, 255]], np.uint8)).save(path)
    frame = next(open_source(IMAGE, file=path, mode="quantize"))
    assert frame.reshape(-1).tolist() == [-128, -127, -126, 125, 126, 127]
    assert frame.shape == IMAGE.shape


@pytest.mark.parametrize(
    ("scale", "zero_point"), [(1 / 255, -128), (2 / 255, 0), (1.0, -128), (1.0, 0)]
)
def test_the_usual_pixel_scales_are_recognised(tmp_path, scale, zero_point):
    path = tmp_path / "x.png"
    Image.fromarray(np.array([[0, 64, 128], [200, 254, 255]], np.uint8)).save(path)
    tensor = TensorSpec((1, 2, 3, 1), "int8", scale, zero_point)
    frame = next(open_source(tensor, file=path, mode="quantize")).reshape(-1).astype(int)
    assert np.abs(frame - (np.array([0, 64, 128, 200, 254, 255]) - 128)).max() <= 1


def test_a_given_full_scale_overrides_the_usual_one(tmp_path):
    path = tmp_path / "x.png"
    Image.fromarray(np.full((2, 3), 255, np.uint8)).save(path)
    frame = next(open_source(IMAGE, file=path, mode="quantize", full_scale=(0.0, 0.5)))
    assert set(frame.reshape(-1).tolist()) == {0}


def test_raw_pixels_are_bytes(tmp_path):
    path = tmp_path / "x.png"
    Image.fromarray(np.full((2, 3), 200, np.uint8)).save(path)
    assert set(next(open_source(IMAGE, file=path)).reshape(-1).tolist()) == {200 - 256}


def test_colours_follow_the_tensors_channels(tmp_path):
    path = tmp_path / "x.png"
    Image.fromarray(np.full((2, 3, 3), (10, 20, 30), np.uint8)).save(path)
    tensor = TensorSpec((1, 2, 3, 3), "uint8")
    assert next(open_source(tensor, file=path))[0, 0, 0].tolist() == [10, 20, 30]


def test_an_image_of_another_size_is_refused():
    with pytest.raises(SourceError, match="another size") as caught:
        open_source(IMAGE, file=DATA / "person" / "person.bmp")
    assert "96 x 96" in str(caught.value)


def test_a_tensor_that_is_no_image_is_refused():
    with pytest.raises(SourceError, match="no image"):
        open_source(TensorSpec((4,), "int8"), file=DATA / "person" / "person.bmp")


def test_the_person_picture_fits_its_network():
    tensor = TensorSpec((1, 96, 96, 1), "int8", 0.003921568859368563, -128)
    path = DATA / "person" / "person.bmp"
    frame = next(open_source(tensor, file=path, mode="quantize"))
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("L")).astype(int)
    assert (frame[0, :, :, 0] == pixels - 128).all()


# Sound


PCM = TensorSpec((1, 4), "int16", 1 / 32768, 0)


def test_sound_is_cut_into_frames(save_wav):
    source = open_source(PCM, file=save_wav(range(10)), loop=False)
    assert [f.tolist() for f in source] == [[[0, 1, 2, 3]], [[4, 5, 6, 7]]]


def test_frames_may_overlap_by_their_hop(save_wav):
    source = open_source(PCM, file=save_wav(range(8)), hop=2, loop=False)
    assert [f.tolist() for f in source] == [[[0, 1, 2, 3]], [[2, 3, 4, 5]], [[4, 5, 6, 7]]]


@pytest.mark.parametrize("scale", [1 / 32768, 1.0])
def test_the_usual_sample_scales_are_recognised(save_wav, scale):
    path = save_wav([-32768, -1, 0, 32767])
    tensor = TensorSpec((1, 4), "int16", scale, 0)
    frame = next(open_source(tensor, file=path, mode="quantize")).reshape(-1).astype(int)
    assert np.abs(frame - [-32768, -1, 0, 32767]).max() <= 1


def test_samples_of_another_width_are_refused_raw(save_wav):
    with pytest.raises(SourceError, match="not of the tensor's size"):
        open_source(INT8, file=save_wav(range(8)))


def test_stereo_needs_a_stereo_tensor(save_wav):
    path = save_wav(range(8), channels=2)
    with pytest.raises(SourceError, match="channels"):
        open_source(PCM, file=path)
    stereo = TensorSpec((2, 2), "int16")
    source = open_source(stereo, file=path, hop=1, loop=False)
    assert [f.tolist() for f in source] == [
        [[0, 1], [2, 3]], [[2, 3], [4, 5]], [[4, 5], [6, 7]],
    ]  # fmt: skip


def test_a_short_recording_is_refused(save_wav):
    with pytest.raises(SourceError, match="shorter than one frame"):
        open_source(PCM, file=save_wav([1, 2]))


@pytest.mark.parametrize("hop", [0, -1])
def test_a_hop_that_does_not_move_is_refused(save_wav, hop):
    with pytest.raises(SourceError, match="hop"):
        open_source(PCM, file=save_wav(range(8)), hop=hop)


# Generators


def test_random_is_the_same_for_the_same_seed_and_covers_the_range():
    tensor = TensorSpec((1, 4096), "int8")
    first, again, other = (next(open_source(tensor, generator="random", seed=s)) for s in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
    assert (first.min(), first.max()) == (-128, 127)


def test_constant_is_real_zero():
    assert next(open_source(INT8, generator="constant")).tolist() == [[3, 3, 3, 3]]


def test_ramp_counts_on_from_frame_to_frame():
    frames = take(open_source(INT8, generator="ramp"), 65)
    assert frames[0].tolist() == [[-128, -127, -126, -125]]
    assert frames[63].tolist() == [[124, 125, 126, 127]]
    assert (frames[64] == frames[0]).all()


@pytest.mark.parametrize("generator", ["random", "constant", "ramp"])
@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int16", "int32", "float32"])
def test_generators_make_every_dtype(generator, dtype):
    tensor = TensorSpec((2, 3), dtype, 0.1, 0)
    frame = next(open_source(tensor, generator=generator))
    assert (frame.shape, frame.dtype) == ((2, 3), np.dtype(dtype))


def test_a_function_of_ones_own_is_a_generator(tmp_path, monkeypatch):
    (tmp_path / "my_frames.py").write_text(
        "import numpy as np\n"
        "def ones(tensor, seed):\n"
        "    yield np.full(tensor.shape, seed, tensor.dtype)\n"
        "    yield np.zeros(3)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    source = open_source(INT8, generator="my_frames:ones", seed=7)
    assert next(source).tolist() == [[7, 7, 7, 7]]
    with pytest.raises(SourceError, match="frame 1"):
        next(source)


@pytest.mark.parametrize("name", ["noise", "no_such_module:f", "math:no_such_function", ":f"])
def test_an_unknown_generator_is_told(name):
    with pytest.raises(SourceError, match="generator"):
        open_source(INT8, generator=name)


# What is asked for


@pytest.mark.parametrize("both", [{}, {"file": "x.npy", "generator": "random"}])
def test_exactly_one_source_is_needed(both):
    with pytest.raises(SourceError, match="one source"):
        open_source(INT8, **both)


def test_an_unknown_mode_is_told(save):
    with pytest.raises(SourceError, match="mode"):
        open_source(INT8, file=save(np.zeros(4, np.int8)), mode="scaled")


def test_an_unknown_kind_of_file_lists_the_known_ones(tmp_path):
    with pytest.raises(SourceError, match=r"\.npy, \.npz, \.png, \.bmp, \.wav"):
        open_source(INT8, file=tmp_path / "x.mp3")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"gone\.npy"):
        open_source(INT8, file=tmp_path / "gone.npy")
