"""Emacs on a terminal, with the package of `editors/emacs` and nothing else."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.editors.terminal import GHOST_COLOUR, Editor

PACKAGE: Final = Path(__file__).parents[2] / "editors" / "emacs"
ELMAN: Final = (str(Path(sys.executable).parent / "elman"), "lsp")
SETTINGS: Final = """\
(setq inhibit-startup-screen t make-backup-files nil auto-save-default nil create-lockfiles nil
      confirm-kill-processes nil enable-local-variables nil load-prefer-newer t
      native-comp-deferred-compilation nil)
(menu-bar-mode -1)
(add-to-list 'load-path {package})
(require 'elman)
(setq elman-command '({command}))
(set-face-attribute 'elman-ghost nil :inherit nil :foreground "color-{colour}")
(defun tell-state ()
  (interactive)
  (with-temp-file "~/state.part"
    (insert (json-serialize
             (with-current-buffer (window-buffer (selected-window))
               (list :text (replace-regexp-in-string (rx (or (any (#xd800 . #xdfff)) (any (#x3fff80 . #x3fffff)))) "\ufffd"
                                                     (buffer-substring-no-properties (point-min) (point-max)))
                     :name (buffer-name)
                     :on (if elman-mode t :false)
                     :waiting (if elman--late t :false)
                     :messages (with-current-buffer (messages-buffer) (buffer-string)))))))
  (rename-file "~/state.part" "~/state" t))
(defun run-form ()
  (interactive)
  (load "~/form.el" nil t))
(global-set-key (kbd "<f5>") #'tell-state)
(global-set-key (kbd "<f6>") #'run-form)
{more}
(global-elman-mode 1)
"""


class Emacs(Editor):
    """Emacs, which tells its buffer's text and what was said."""

    def __init__(
        self, folder: Path, *files: str, command: Sequence[str] = ELMAN, settings: str = "", columns: int = 80, lines: int = 16
    ) -> None:
        script = folder / "init.el"
        words = " ".join(map(json.dumps, command))
        script.write_text(SETTINGS.format(package=json.dumps(str(PACKAGE)), command=words, colour=GHOST_COLOUR, more=settings))
        super().__init__(["emacs", "-nw", "-Q", "-l", str(script), *files], folder, columns, lines)
        self.state()

    def run(self, form: str) -> None:
        """Evaluate a form, from wherever."""
        (self.folder / "form.el").write_text(form)
        self.press("F6")
        self.state()

    def state(self) -> dict[str, Any]:
        """The same, with the text in lines."""
        told = super().state()
        return {**told, "lines": told["text"].split("\n")}
