#!/usr/bin/env bash
# matplotlib 3.11.2: a font file that cannot be opened while the list of fonts is made is left out without a word, and the
# list is cached for every later process. Once the file is there again (an installation that was under way has ended, a limit of
# open files is gone), matplotlib's own DejaVu Sans stays unused: on a system that has a DejaVu Sans, that one is drawn with,
# whose glyphs have other numbers; elsewhere another face. The same figure then differs from one home folder to the next.
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
