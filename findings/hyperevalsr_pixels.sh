#!/usr/bin/env bash
# HyperEvalSR 1.0.1: three of its measures are wrong for ordinary images, or depend on the units of the pixels:
#   - images in uint8, as its own reconstruction CNMF returns them, are subtracted and squared in uint8. RMSE is at most 16
#     grey levels, and 0 if all pixels differ by 16, 32 or 48; PSNR is then infinite. DD, the mean absolute difference,
#     counts a pixel that is brighter by 1 than its reference as 255, and depends on which image comes first;
#   - UIQI, which is 1 for equal images and has no constants (Wang and Bovik 2002), adds those that SSIM has for pixels up to
#     255. With pixels in [0, 1] every value is near 0, for an image and itself too;
#   - SAM, an angle, is nan for equal spectra, as soon as one cosine is rounded to more than 1. So an image with a few pixels
#     like its reference's, or only brighter, can have no value.
#
# Seen (Python 3.11, 2026-12-01), for an image of 64 x 64 with three bands:
#   brighter by 15: RMSE 15.0, exact 15.0, PSNR 21.5, exact 21.5, DD 241, other way 15, exact 15
#   brighter by 16: RMSE 0.0, exact 16.0, PSNR inf, exact 21.0, DD 240, other way 16, exact 16
#   brighter by 17: RMSE 5.7, exact 17.0, PSNR 29.9, exact 20.4, DD 239, other way 17, exact 17
#   brighter by 32: RMSE 0.0, exact 32.0, PSNR inf, exact 15.0, DD 224, other way 32, exact 32
#   pixels in [0, 255], an image and itself: UIQI 1.000, exact 1.000
#   pixels in [0, 1], an image and itself: UIQI 0.003, exact 1.000
#   spectra at an angle: SAM 0.775, exact 0.775
#   an image and itself: SAM nan, exact 0.000
#   an image and the same twice as bright: SAM nan, exact 0.000
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    HyperEvalSR==1.0.1 numpy==2.4.6 scipy==1.17.1 matplotlib==3.11.2 tifffile==2026.3.3
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import numpy as np
from HyperEvalSR import metrics

np.seterr(divide="ignore", invalid="ignore")
row, column = np.mgrid[:64, :64]
image = np.stack([120 + 60 * np.sin(column / 5 + band) * np.cos(row / 7) for band in range(3)], axis=2)
pixels = image.astype(np.uint8)
for levels in (15, 16, 17, 32):
    pair = (pixels, pixels + np.uint8(levels))
    rmse, psnr, exact = metrics.RMSE(*pair), metrics.PSNR(*pair), 20 * np.log10(pixels.max() / levels)
    print(
        f"brighter by {levels}: RMSE {rmse:.1f}, exact {levels:.1f}, PSNR {psnr:.1f}, exact {exact:.1f}, "
        f"DD {metrics.DD(*pair):.0f}, other way {metrics.DD(*pair[::-1]):.0f}, exact {levels}"
    )
for name, values in (("[0, 255]", image), ("[0, 1]", image / 255)):
    print(f"pixels in {name}, an image and itself: UIQI {metrics.UIQI(values, values):.3f}, exact 1.000")
one, other = np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0])
angle = np.arccos(one @ other / np.sqrt(one @ one * (other @ other)))
different = metrics.SAM(np.tile(one, (64, 64, 1)), np.tile(other, (64, 64, 1)))
print(f"spectra at an angle: SAM {different:.3f}, exact {angle:.3f}")
print(f"an image and itself: SAM {metrics.SAM(image, image):.3f}, exact 0.000")
print(f"an image and the same twice as bright: SAM {metrics.SAM(image, 2 * image):.3f}, exact 0.000")
PY
diff "$folder/seen" - <<'SEEN'
brighter by 15: RMSE 15.0, exact 15.0, PSNR 21.5, exact 21.5, DD 241, other way 15, exact 15
brighter by 16: RMSE 0.0, exact 16.0, PSNR inf, exact 21.0, DD 240, other way 16, exact 16
brighter by 17: RMSE 5.7, exact 17.0, PSNR 29.9, exact 20.4, DD 239, other way 17, exact 17
brighter by 32: RMSE 0.0, exact 32.0, PSNR inf, exact 15.0, DD 224, other way 32, exact 32
pixels in [0, 255], an image and itself: UIQI 1.000, exact 1.000
pixels in [0, 1], an image and itself: UIQI 0.003, exact 1.000
spectra at an angle: SAM 0.775, exact 0.775
an image and itself: SAM nan, exact 0.000
an image and the same twice as bright: SAM nan, exact 0.000
SEEN
