"""Ghost text in Emacs: the real editor on a terminal, the real server, a shipped model."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.editors.conftest import Serve
from tests.editors.emacs import ELMAN, PACKAGE, Emacs
from tests.editors.overheard import overheard, texts
from tests.editors.terminal import BEGUN, FOX, REST, is_running

from elman.languages import PROSE

pytestmark = pytest.mark.skipif(
    not (shutil.which("emacs") and shutil.which("tmux")), reason="needs Emacs 28 and tmux: apt install emacs-nox tmux"
)

SOURCES = Path("/usr/share/emacs/site-lisp/elpa-src")
"""Where Debian puts Emacs's packages."""


@pytest.fixture(scope="module")
def one_emacs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emacs]:
    """One for all tests that leave it and its server alive."""
    with Emacs(tmp_path_factory.mktemp("emacs")) as emacs:
        yield emacs


@pytest.fixture
def emacs(one_emacs: Emacs) -> Emacs:
    """Emacs in a text that says a sentence three times, at the beginning of a line of its own."""
    one_emacs.press("Escape", "Escape", "Escape")
    return opened(one_emacs)


def opened(emacs: Emacs, name: str = "notes.txt", before: str = f"{FOX}\n" * 3) -> Emacs:
    """A file is opened anew, with point at its end."""
    (emacs.folder / name).write_text(before)
    emacs.run(f"""
(when (get-buffer "{name}") (with-current-buffer "{name}" (set-buffer-modified-p nil) (kill-buffer)))
(find-file "~/{name}")
(delete-other-windows)
(goto-char (point-max))
""")
    emacs.wait_until(lambda: emacs.state()["name"] == name)
    return emacs


def test_what_is_suggested_stands_after_point_and_is_not_in_the_text(emacs: Emacs) -> None:
    emacs.begin()
    assert emacs.cursor() == (3, len(BEGUN))
    assert emacs.lines() == [FOX, FOX, FOX, BEGUN]
    emacs.press("Left")
    emacs.wait_until(lambda: emacs.ghost() == "")


def test_tab_accepts_all_alt_f_a_word_control_f_a_character(emacs: Emacs) -> None:
    emacs.begin()
    emacs.press("C-f")
    emacs.wait_until(lambda: emacs.ghost() == REST[1:])
    emacs.press("M-f", "M-f")
    emacs.wait_until(lambda: emacs.ghost() == REST.removeprefix("own fox"))
    assert emacs.lines()[-1] == "The quick brown fox"
    emacs.press("Tab")
    assert emacs.lines()[-1] == FOX


def test_who_types_what_is_suggested_keeps_the_rest_though_the_server_is_silent(emacs: Emacs) -> None:
    emacs.begin()
    os.kill(emacs.server(), signal.SIGSTOP)
    try:
        for count in range(1, 6):
            emacs.type(REST[count - 1])
            emacs.wait_until(lambda count=count: emacs.ghost() == REST[count:])
        emacs.type("!")
        emacs.wait_until(lambda: emacs.ghost() == "")
        assert emacs.lines()[-1] == f"{BEGUN}{REST[:5]}!"
    finally:
        os.kill(emacs.server(), signal.SIGCONT)


def test_other_alternatives_are_distinct_and_come_round(emacs: Emacs) -> None:
    opened(emacs, "imports.py", "import os\n")
    emacs.type("import s")
    seen = [emacs.wait_for_ghost()]
    while not seen[1:] or seen[-1] != seen[0]:
        emacs.press("M-n")
        seen.append(emacs.wait_for_ghost(other_than=seen[-1]))
    assert len(set(seen)) == len(seen) - 1 >= 2
    emacs.press("M-p")
    assert emacs.wait_for_ghost(other_than=seen[0]) == seen[-2]
    emacs.press("Tab")
    assert emacs.lines()[-1] == f"import s{seen[-2]}"


def test_what_is_dismissed_is_gone_and_its_keys_do_what_they_did_before(emacs: Emacs) -> None:
    emacs.run("(use-local-map (copy-keymap (current-local-map)))")
    emacs.run('(local-set-key (kbd "TAB") (lambda () (interactive) (insert "own")))')
    emacs.begin()
    emacs.press("C-g")
    emacs.wait_until(lambda: emacs.ghost() == "")
    emacs.press("Tab")
    assert emacs.lines()[-1] == f"{BEGUN}own"


def test_what_is_dismissed_twice_at_a_place_is_not_shown_there_again(emacs: Emacs) -> None:
    emacs.begin()
    for left in REST, "":
        emacs.press("C-g")
        emacs.wait_until(lambda: emacs.ghost() == "")
        emacs.press("BSpace")
        emacs.type("r")
        assert emacs.settled() == left


def test_what_an_input_method_composes_is_typed_text(emacs: Emacs) -> None:
    opened(emacs, "house.txt", "Das schöne Haus.\n" * 3)
    emacs.run('(set-input-method "latin-1-postfix")')
    emacs.type('Das scho"ne H')
    emacs.wait_until(lambda: emacs.ghost() == "aus.")
    assert emacs.lines()[-1] == "Das schöne H"
    emacs.run("(deactivate-input-method)")


def test_several_cursors_overwriting_and_searching_show_nothing(emacs: Emacs) -> None:
    emacs.run("(defvar multiple-cursors-mode nil) (setq-local multiple-cursors-mode t)")
    emacs.type(BEGUN)
    assert emacs.settled() == ""
    emacs.run("(setq-local multiple-cursors-mode nil) (overwrite-mode 1)")
    emacs.press("BSpace")
    emacs.type("r")
    assert emacs.settled() == ""
    emacs.run("(overwrite-mode -1)")
    emacs.press("BSpace")
    emacs.type("r")
    emacs.wait_until(lambda: emacs.ghost() == REST)
    emacs.press("C-r")
    emacs.wait_until(lambda: emacs.ghost() == "")
    emacs.press("C-g")


def test_what_is_accepted_is_one_change_to_undo_and_to_redo(emacs: Emacs) -> None:
    emacs.begin()
    emacs.press("M-f", "Tab")
    emacs.type("!")
    emacs.wait_for(f"{FOX}!")
    for key, left in (("C-_", FOX), ("C-_", f"{BEGUN}own"), ("C-_", BEGUN), ("C-M-_", f"{BEGUN}own"), ("C-M-_", FOX)):
        emacs.press(key)
        emacs.wait_until(lambda left=left: emacs.rows()[3] == left)
    assert emacs.lines()[-1] == FOX
    assert emacs.settled() == ""


def test_nothing_is_suggested_while_a_macro_is_recorded_or_run(emacs: Emacs) -> None:
    emacs.press("C-x", "(")
    emacs.type(BEGUN)
    assert emacs.settled() == ""
    emacs.press("Tab", "Enter", "C-x", ")")
    assert emacs.lines()[-2:] == [BEGUN, ""]
    emacs.press("C-x", "e")
    emacs.wait_until(lambda: emacs.lines()[-3:] == [BEGUN, BEGUN, ""])
    assert emacs.settled() == ""


def test_pasted_text_arrives_as_it_is(emacs: Emacs) -> None:
    pasted = f"{BEGUN}\n\tif a:\n{BEGUN}"
    emacs.paste(pasted)
    emacs.wait_for_ghost()
    assert emacs.lines()[3:] == pasted.split("\n")


def test_each_buffer_has_its_own_suggestions(emacs: Emacs) -> None:
    emacs.begin()
    opened(emacs, "other.txt", "The quick brick fell down.\n" * 3)
    assert emacs.settled() == ""
    emacs.type(BEGUN)
    emacs.wait_until(lambda: emacs.ghost() == "ick fell down.")
    emacs.press("C-x", "b")
    emacs.type("notes.txt")
    emacs.press("Enter", "BSpace")
    emacs.type("r")
    emacs.wait_until(lambda: emacs.ghost() == REST)


def test_a_selection_a_deletion_and_a_motion_show_nothing(emacs: Emacs) -> None:
    emacs.begin()
    emacs.press("C-Space", "C-b")
    emacs.wait_until(lambda: emacs.ghost() == "")
    emacs.press("C-g")
    emacs.wait_for("Quit")
    emacs.press("C-e", "BSpace")
    emacs.type("r")
    emacs.wait_until(lambda: emacs.ghost() == REST)
    emacs.press("BSpace")
    emacs.wait_until(lambda: emacs.ghost() == "")


def test_completion_in_the_buffer_stands_alone(emacs: Emacs) -> None:
    emacs.run("""
(setq-local completion-at-point-functions
            (list (lambda () (list (save-excursion (backward-word) (point)) (point) '("brown" "broom" "brow")))))
(local-set-key (kbd "C-c c") #'completion-at-point)
""")
    emacs.begin()
    emacs.press("C-c", "c", "C-c", "c")
    emacs.wait_for("broom")
    assert emacs.settled() == ""


def test_the_minibuffer_and_a_shell_have_none(emacs: Emacs) -> None:
    emacs.press("M-x")
    emacs.type("shell")
    emacs.press("Enter")
    emacs.wait_until(lambda: emacs.state()["name"] == "*shell*")
    emacs.run('(elman-mode 1) (when elman-mode (error "on"))')
    emacs.type("echo The quick brown fox")
    assert emacs.settled() == ""
    emacs.run('(let ((kill-buffer-query-functions nil)) (kill-buffer "*shell*"))')
    emacs.press("M-:")
    emacs.run("(elman-mode 1)")
    assert not emacs.state()["on"]
    emacs.type(BEGUN)
    assert emacs.settled() == ""
    emacs.press("C-g")


def test_nothing_is_suggested_where_the_buffer_is_read_only_or_the_mode_is_off(emacs: Emacs) -> None:
    emacs.run("(elman-mode -1)")
    emacs.type(BEGUN)
    assert emacs.lines()[-1] == BEGUN
    assert emacs.settled() == ""
    emacs.run("(elman-mode 1)")
    emacs.press("BSpace")
    emacs.type("r")
    emacs.wait_until(lambda: emacs.ghost() == REST)
    emacs.run("(read-only-mode 1)")
    emacs.wait_until(lambda: emacs.ghost() == "")


def test_the_mode_can_be_turned_off_everywhere_and_on_again(tmp_path: Path) -> None:
    with Emacs(tmp_path) as emacs:
        opened(emacs)
        emacs.begin()
        server = emacs.server()
        emacs.run("(global-elman-mode -1)")
        emacs.wait_until(lambda: not is_running(server))
        emacs.run("(global-elman-mode 1)")
        state = emacs.state()
        assert state["on"]
        assert "deleted buffer" not in state["messages"]
        emacs.press("C-a", "C-k")
        emacs.begin()


def test_a_kind_of_file_can_be_left_out(emacs: Emacs) -> None:
    emacs.run("(push 'text-mode elman-excluded-modes)")
    opened(emacs)
    emacs.type(BEGUN)
    assert emacs.lines()[-1] == BEGUN
    assert emacs.settled() == ""
    emacs.run("(pop elman-excluded-modes)")


def test_the_status_names_the_model(emacs: Emacs) -> None:
    emacs.begin()
    emacs.run("(elman-status)")
    emacs.wait_until(lambda: f"elman: ready, {PROSE}" in emacs.state()["messages"])


def test_the_status_says_why_there_is_no_model(tmp_path: Path) -> None:
    with Emacs(tmp_path) as emacs:
        opened(emacs, "notes.zzz")
        emacs.run("(elman-mode 1)")

        def said() -> str:
            emacs.run("(elman-status)")
            return emacs.state()["messages"]

        emacs.wait_until(lambda: "elman: no model" in said())
        assert "nil ms" not in said()


def test_what_is_suggested_is_said_on_demand(emacs: Emacs) -> None:
    emacs.begin()
    emacs.press("M-x")
    emacs.type("elman-say")
    emacs.press("Enter")
    emacs.wait_until(lambda: REST in emacs.rows()[-1])


def test_a_server_that_dies_is_started_again_a_few_times_and_typing_goes_on(tmp_path: Path) -> None:
    with Emacs(tmp_path, settings="(setq elman-restarts 2)") as emacs:
        opened(emacs)
        for _ in range(3):
            emacs.begin()
            server = emacs.server()
            os.kill(server, signal.SIGKILL)
            emacs.wait_until(lambda server=server: not is_running(server))
            emacs.press("C-a", "C-k")
            emacs.wait_until(lambda: emacs.ghost() == "")
        emacs.type(BEGUN)
        emacs.wait_until(lambda: "ended once more" in emacs.state()["messages"])
        state = emacs.state()
        assert state["text"].split("\n")[-1] == BEGUN
        assert emacs.ghost() == ""
        assert state["messages"].count("is started again") == 1
        assert state["messages"].count("ended once more") == 1


def test_a_server_that_dies_behind_the_language_server_is_said_once_and_its_ghost_comes_back_with_it(
    tmp_path: Path, serve: Serve
) -> None:
    process, address = serve(PROSE)
    with Emacs(tmp_path, command=[*ELMAN, "--server", address]) as emacs:
        opened(emacs)
        emacs.begin()
        process.kill()
        process.wait()
        for key in "!?":
            emacs.type(key)
            assert emacs.settled() == ""
        emacs.wait_until(lambda: "no completion service at" in emacs.state()["messages"])
        state = emacs.state()
        assert state["text"].split("\n")[-1] == f"{BEGUN}!?"
        assert state["messages"].count("elman: nothing is suggested") == 1
        assert is_running(emacs.server())
        emacs.press("C-a", "C-k")
        emacs.type(BEGUN)
        assert emacs.settled() == ""
        serve(PROSE, address)
        emacs.wait_until(lambda: emacs.ghost() == REST)


def test_quitting_leaves_no_process(tmp_path: Path) -> None:
    with Emacs(tmp_path) as emacs:
        opened(emacs)
        emacs.begin()
        server = emacs.server()
        emacs.press("C-x", "C-c")
        emacs.type("n")
        emacs.type("yes")
        emacs.press("Enter")
        emacs.wait_until(lambda: not is_running(server))


def test_a_server_that_is_not_installed_is_said_once(tmp_path: Path) -> None:
    with Emacs(tmp_path, command=["elman-is-not-here"]) as emacs:
        opened(emacs)
        emacs.type(BEGUN)
        state = emacs.state()
        assert state["text"].split("\n")[-1] == BEGUN
        assert state["messages"].count("elman-is-not-here is not there") == 1


@pytest.mark.skipif(not [*SOURCES.glob("company-*")], reason="needs company: apt install elpa-company")
def test_company_stands_alone(emacs: Emacs) -> None:
    emacs.run("""
(dolist (folder (file-expand-wildcards "/usr/share/emacs/site-lisp/elpa-src/company-*"))
  (add-to-list 'load-path folder))
(require 'company)
(setq-local company-backends '(company-dabbrev) company-idle-delay nil)
(company-mode 1)
(local-set-key (kbd "C-c m") #'company-manual-begin)
""")
    emacs.type(f"brow {BEGUN}")
    emacs.wait_for_ghost()
    emacs.press("C-c", "m")
    emacs.wait_for("brow ")
    emacs.wait_until(lambda: emacs.ghost() == "")
    emacs.press("C-g")


EVIL = """
(dolist (folder (file-expand-wildcards "/usr/share/emacs/site-lisp/elpa-src/*"))
  (add-to-list 'load-path folder))
(require 'evil)
(setq evil-move-cursor-back nil evil-move-beyond-eol t)
(evil-mode 1)
"""


@pytest.mark.skipif(not [*SOURCES.glob("evil-*")], reason="needs evil: apt install elpa-evil")
def test_evil_has_ghost_text_in_its_insert_state_alone(tmp_path: Path) -> None:
    with Emacs(tmp_path, settings=EVIL) as emacs:
        opened(emacs)
        emacs.begin("A")
        emacs.press("Escape")
        emacs.wait_for("<N>")
        assert emacs.ghost() == ""
        emacs.run(f'(insert "\\n{BEGUN}")')
        assert emacs.lines()[-2:] == [BEGUN, BEGUN]
        assert emacs.settled() == ""
        emacs.begin("o")
        emacs.press("Tab", "Escape")
        emacs.wait_for("<N>")
        assert emacs.lines()[-3:] == [BEGUN, FOX, BEGUN]
        emacs.type("u")
        emacs.wait_until(lambda: emacs.lines()[-2:] == [BEGUN, BEGUN])
        assert emacs.settled() == ""


def test_positions_count_utf_16_units_in_what_is_put_in_the_place_of_brackets(emacs: Emacs) -> None:
    opened(emacs, "calls.py", 'show("😀", here)\n' * 4)
    emacs.run("(electric-pair-local-mode 1)")
    emacs.type('show("😀')
    emacs.wait_until(lambda: emacs.ghost().startswith('", here'))
    emacs.press("Tab")
    assert emacs.lines()[-1].startswith('show("😀", here')
    assert '"' not in emacs.lines()[-1].removeprefix('show("😀"')


LINT = """
(require 'checkdoc)
(setq byte-compile-error-on-warn t)
(unless (byte-compile-file "elman.el") (kill-emacs 1))
(checkdoc-file "elman.el")
"""


def test_the_package_compiles_and_its_documentation_is_in_order(tmp_path: Path) -> None:
    shutil.copy(PACKAGE / "elman.el", tmp_path)
    command = ["emacs", "-Q", "--batch", "--eval", f"(progn {LINT})"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.replace(f"Wrote {tmp_path}/elman.elc\n", "")) == (0, "")


def test_the_package_is_as_archives_want_it(tmp_path: Path) -> None:
    shutil.copy(PACKAGE / "elman.el", tmp_path)
    command = ["emacs", "--batch", "-l", "package-lint", "-f", "package-lint-batch-and-exit", "elman.el"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    if "Cannot open load file" in done.stderr:
        pytest.skip("needs package-lint: apt install elpa-package-lint")
    found = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("elman.el:")]
    assert [line for line in found if "uninstallable in all released Emacs versions" not in line] == []  # 28.1 is newer than it


WIDE = "naïve 😀😀 日本 e\u0301 𝒳𝒴 \tend"
EDITS = [
    '(progn (goto-char (point-min)) (open-line 2) (insert "top"))',
    '(progn (goto-char (point-max)) (insert "bottom😀\\n"))',
    "(delete-region 3 20)",
    "(progn (goto-char 9) (kill-line) (yank) (yank))",
    "(undo)",
    '(let ((case-fold-search nil)) (replace-string "o" "ö😀" nil 1 (point-max)))',
    '(replace-regexp "$" " +" nil 1 (point-max))',
    "(undo)",
    "(progn (undo-only) (undo-only))",
    "(sort-lines nil (point-min) (point-max))",
    "(transpose-lines 1)",
    "(upcase-region (point-min) (point-max))",
    '(progn (narrow-to-region 5 30) (goto-char 8) (insert "𝒳\\n𝒴") (delete-char 3) (widen))',
    "(progn (goto-char (point-min)) (fill-paragraph))",
    '(progn (erase-buffer) (insert "😀"))',
    "(undo)",
    '(insert "carriage\\rreturn")',
    '(insert (string #x3fffe9) "raw" (string #xd800))',
    '(dotimes (i 500) (goto-char (point-min)) (insert (format "%d😀\\n" i)))',
    "(dotimes (_ 50) (goto-char (point-min)) (forward-line 3) (delete-char 2))",
    '(let ((inhibit-modification-hooks t)) (goto-char 5) (insert "unseen") (delete-char 4))',
    "(indent-rigidly (point-min) (point-max) 3)",
    "(subst-char-in-region (point-min) (point-max) ?\\s ?_)",
    "(progn (set-buffer-modified-p nil) (revert-buffer t t))",
    '(insert-file-contents "~/notes.txt" nil nil nil t)',
    '(progn (set-visited-file-name "~/renamed.txt") (insert "as") (set-visited-file-name "~/wide.txt"))',
    '(combine-change-calls 1 (point-max) (goto-char 2) (insert "😀") (forward-line 1) (insert "ab"))',
]


def test_the_server_knows_the_text_whatever_was_edited(tmp_path: Path) -> None:
    log = tmp_path / "told"
    (tmp_path / "notes.txt").write_text(f"{FOX}\n")
    with Emacs(tmp_path, command=overheard(ELMAN, log)) as emacs:
        opened(emacs, "wide.txt", f"{WIDE}\n{FOX}\n{WIDE}\n\n{FOX}\n{WIDE}\n")
        for edit in EDITS:
            emacs.run(edit)
            emacs.type("😀é")
            expected = re.sub("[\r\ufffd]", " ", emacs.state()["text"])
            emacs.wait_until(lambda expected=expected: texts(log).get("wide.txt") == expected)
