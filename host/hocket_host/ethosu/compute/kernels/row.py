# SPDX-License-Identifier: Apache-2.0
"""The row of 64-bit integers that one operation is compiled to, by index.

A program is one flat int64 array: rows of `ROW` integers, then the weight slots (see `weights`).
All addresses in a row are absolute byte offsets into the flat memory; all offsets into the work
array are in bytes and multiples of 64, so that every view of it can index them.
"""

from __future__ import annotations

ROW = 128

# Kind of operation
KIND = 0
CONV, DEPTHWISE, POOL, ELEMENTWISE, DMA_COPY = 0, 1, 2, 3, 4
MODE = 1
"""Pooling or elementwise mode."""

# Feature maps: where their block of FM_FIELDS starts
IFM, IFM2, OFM = 2, 20, 38
# Fields of a feature map's block
F_BASE0, F_BASE1, F_BASE2, F_BASE3 = 0, 1, 2, 3
F_HEIGHT0, F_HEIGHT1, F_WIDTH0 = 4, 5, 6
F_STRIDE_Y, F_STRIDE_X, F_STRIDE_C = 7, 8, 9
F_HEIGHT, F_WIDTH, F_DEPTH = 10, 11, 12
F_BYTES, F_SIGNED, F_NHCWB16, F_ZERO_POINT = 13, 14, 15, 16
FM_FIELDS = 18

# Window
UPSCALE = 56
PAD_TOP, PAD_LEFT, PAD_BOTTOM, PAD_RIGHT = 57, 58, 59, 60
KERNEL_H, KERNEL_W = 61, 62
"""Size before dilation."""
STRIDE_Y, STRIDE_X, DILATION_Y, DILATION_X = 63, 64, 65, 66
PADDED_H, PADDED_W = 67, 68
"""Size of the padded input buffer in elements."""

# Output scaling
GLOBAL_SCALE = 70
SCALE, SHIFT, ROUND_UP, ROUND_DOWN = 71, 72, 73, 74
"""Uniform multiplier and shift, and what is added to a product before the shift by its sign."""
ROUNDING = 75

# Activation
ACTIVATION, LUT_ADDRESS = 76, 77
ACT_NONE, ACT_TANH, ACT_SIGMOID, ACT_LUT8, ACT_LUT8_TO_32, ACT_LUT16 = 0, 1, 2, 3, 4, 5
LUT_FIRST_INDEX = 78
OUT_ZERO, CLIP_LOW, CLIP_HIGH = 79, 80, 81
SCALED_ZERO, SCALED_LOW, SCALED_HIGH = 82, 83, 121
"""Zero point and clip range of the scaling; before TANH and SIGMOID neither is applied."""

# Elementwise operands
SCALAR, SCALAR_VALUE, SWAPPED = 84, 85, 86
A_SCALE, A_SHIFT, A_UP, A_DOWN = 87, 88, 89, 90
B_SCALE, B_SHIFT, B_UP, B_DOWN = 91, 92, 93, 94

# Weights and scale records
WEIGHT_ADDRESS, WEIGHT_LENGTH, SCALE_ADDRESS, SCALE_LENGTH = 96, 97, 98, 99
SLOT = 100
"""Word offset of the weight slot in the program; 0: none."""
BLOCK_DEPTH, UBLOCK_DEPTH, TRAVERSAL, DECOMPOSE_Y, DECOMPOSE_X = 101, 102, 103, 104, 105
DEPTH_FIRST, PART_KERNEL_FIRST, DEPTHWISE_ORDER = 0, 1, 2
IFM_BLOCK_DEPTH = 106
ELEMENT_MULTIPLE = 109
"""What the number of window elements is rounded up to in the weight stream."""
RUNS, RUN_LENGTH = 107, 108
"""Contiguous stretches of the window in the input buffer, and their padded length."""

# Work array, byte offsets
WORK_IFM, WORK_IFM2, WORK_ACC, WORK_LINE = 110, 111, 112, 113

# Copy
DMA_SOURCE, DMA_DESTINATION, DMA_LENGTH, DMA_TO_SHRAM, DMA_FROM_SHRAM = 116, 117, 118, 119, 120
