#!/usr/bin/env bash
# matplotlib 3.11.2: if a font file cannot be opened while the list of fonts is made, it is silently left out, and the list
# is cached for every later process. When the file can be opened again (an installation has ended, a limit of open files no
# longer applies), matplotlib's own DejaVu Sans remains unused. If the system has a DejaVu Sans, that one is used, whose
# glyphs have other numbers; otherwise another font is. The same figure then differs between home folders.
#
# Seen (Python 3.11, 2026-11-29):
#   list made with the font: DejaVuSans.ttf of matplotlib: True
#   list made without it, font there again: DejaVuSans.ttf of matplotlib: False
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check matplotlib==3.11.2 numpy==2.3.5
font=$(echo "$folder"/venv/lib/python3*/site-packages/matplotlib/mpl-data/fonts/ttf/DejaVuSans.ttf)
found() { # $1: the folder of the cache
    MPLCONFIGDIR=$1 "$folder/venv/bin/python" - 2>/dev/null <<'PY'
import matplotlib
from matplotlib.font_manager import findfont

found = findfont("DejaVu Sans")
print(found.endswith("/DejaVuSans.ttf") and found.startswith(matplotlib.get_data_path()))
PY
}
{
    echo "list made with the font: DejaVuSans.ttf of matplotlib: $(found "$folder/whole")"
    mv "$font" "$font.away"
    found "$folder/without" >/dev/null
    mv "$font.away" "$font"
    echo "list made without it, font there again: DejaVuSans.ttf of matplotlib: $(found "$folder/without")"
} | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
list made with the font: DejaVuSans.ttf of matplotlib: True
list made without it, font there again: DejaVuSans.ttf of matplotlib: False
SEEN
