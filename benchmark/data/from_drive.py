"""Script that downloads a file from Google Drive: `python from_drive.py FILE_ID TARGET`.

It imports nothing of this suite, prints the reason of a failure on standard output, and exits when its standard input
is closed, and so when its parent process ends.
"""

import os
import signal
import sys
import threading


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C and ends this process
    threading.Thread(target=_end_with_parent, daemon=True).start()
    file_id, target = sys.argv[1:]
    try:
        import gdown

        # torchvision's user agent. The partial file of an earlier attempt is resumed.
        gdown.download(id=file_id, output=target, resume=True, user_agent="pytorch/vision")
    except Exception as error:
        print(str(error) or type(error).__name__, flush=True)
        os._exit(1)
    os._exit(0)  # a normal exit would wait for standard input's lock, which the other thread holds
