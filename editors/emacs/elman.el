;;; elman.el --- Ghost text from a model of your own  -*- lexical-binding: t; -*-

;; Copyright 2026 The elman authors

;; Author: The elman authors
;; Version: 0.1.0
;; Package-Requires: ((emacs "28.1"))
;; Keywords: convenience, abbrev
;; URL: https://github.com/elman/elman
;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; `elman-mode' shows after point what a small model of your own expects you
;; to type next, offline.  TAB accepts it, M-f a word of it, C-f a character;
;; M-n and M-p show other suggestions, C-g dismisses.  These keys hold only
;; while something is shown.  `global-elman-mode' turns it on wherever text or
;; code is written: in the modes of `elman-global-modes', but not in those of
;; `elman-excluded-modes'.
;;
;; It talks to `elman lsp', a process of its own beside any language server.

;;; Code:

(require 'jsonrpc)
(require 'seq)
(require 'subr-x)
(require 'url-util)

(defgroup elman nil
  "Ghost text from a model of your own."
  :group 'convenience
  :prefix "elman-")

(defcustom elman-command '("elman" "lsp")
  "The language server: a program and its arguments."
  :type '(repeat string))

(defcustom elman-settings nil
  "What the language server is told, as a plist; docs/editors.md lists it.
For example (:model \"~/notes.safetensors\" :languages (:markdown :json-false)).
A change holds from the next key on."
  :type 'plist)

(defcustom elman-restarts 3
  "How often a server that ended is started again within ten minutes."
  :type 'natnum)

(defcustom elman-global-modes '(prog-mode text-mode conf-mode)
  "Where `global-elman-mode' turns `elman-mode' on, with what derives from them."
  :type '(repeat symbol))

(defcustom elman-excluded-modes
  '(special-mode comint-mode term-mode eshell-mode vterm-mode eat-mode)
  "Where `elman-mode' never turns on, nor in what derives from them."
  :type '(repeat symbol))

(defcustom elman-max-size (* 4 1024 1024)
  "Nothing is suggested in a buffer of more characters."
  :type 'natnum)

(defface elman-ghost '((t :inherit shadow))
  "What is suggested.")

(defvar elman-ghost-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "TAB") #'elman-accept)
    (define-key map (kbd "<tab>") #'elman-accept)
    (define-key map (kbd "M-f") #'elman-accept-word)
    (define-key map (kbd "C-<right>") #'elman-accept-word)
    (define-key map (kbd "C-f") #'elman-accept-character)
    (define-key map (kbd "<right>") #'elman-accept-character)
    (define-key map (kbd "M-n") #'elman-next)
    (define-key map (kbd "M-p") #'elman-previous)
    (define-key map (kbd "C-g") #'elman-dismiss)
    map)
  "Keys that hold only while something is suggested.")

;;;; What is known

(defvar elman-mode)

(defvar elman--connection nil "The connection to the server, or nil.")
(defvar elman--state 'off "One of off, starting, ready and failed.")
(defvar elman--restarts nil "When the server was started again.")
(defvar elman--sent-settings nil "The settings that the server has.")
(defvar elman--said nil "The troubles that were said, each once.")

(defvar-local elman--uri nil "The buffer's name at the server, if it knows it.")
(defvar-local elman--version 0 "The version that the server knows.")
(defvar-local elman--changes nil "Changes to be told, newest first, or `whole'.")
(defvar-local elman--before nil "What is about to change: beginning, end, and both as positions.")
(defvar-local elman--tick nil "The buffer's tick after the last change that was seen.")
(defvar-local elman--ghost nil
  "What is shown: its :overlay, :text, :gone, and the line :before and :after it.")
(defvar-local elman--visible nil "Whether something is shown.")
(defvar-local elman--changed nil "Whether this command has changed the text.")
(defvar-local elman--owed nil "Whether a question waits for the end of the keys.")
(defvar-local elman--size 0 "The buffer's size after the last command.")
(defvar-local elman--asked 0 "The number of the newest request.")
(defvar-local elman--vain nil "Point and tick where nothing was suggested when it was asked last.")
(defvar-local elman--late nil "Whether the newest request has no answer yet.")

;;;; The server

(defconst elman--restart-seconds 600
  "The time within which `elman-restarts' counts.")

(defun elman--say (format &rest arguments)
  "Say FORMAT with ARGUMENTS, unless it was said."
  (let ((text (apply #'format-message format arguments)))
    (unless (member text elman--said)
      (push text elman--said)
      (message "elman: %s" text))))

(defun elman--start ()
  "Start the server unless it is there or has failed.  Wait for nothing."
  (when (eq elman--state 'off)
    (if (executable-find (car elman-command))
        (elman--connect)
      (setq elman--state 'failed)
      (elman--say "%s is not there to be run: install elman[lsp], or set `elman-command'"
                  (car elman-command)))))

(defun elman--connect ()
  "Start a process and greet it."
  (setq elman--state 'starting
        elman--sent-settings elman-settings
        elman--connection
        (make-instance 'jsonrpc-process-connection
                       :name "elman"
                       :events-buffer-scrollback-size 0
                       :notification-dispatcher #'elman--told
                       :request-dispatcher #'ignore
                       :on-shutdown #'elman--ended
                       :process #'elman--process))
  (elman--request
   :initialize
   `(:processId ,(emacs-pid)
     :clientInfo (:name "Emacs" :version ,emacs-version)
     :rootUri nil
     :capabilities (:general (:positionEncodings ["utf-16"])
                    :textDocument (:inlineCompletion ,(make-hash-table)))
     :initializationOptions ,(elman--object elman-settings))
   #'elman--ready))

(defun elman--process ()
  "The server's process."
  (make-process :name "elman" :command elman-command :connection-type 'pipe
                :coding 'utf-8-emacs-unix :noquery t
                :stderr (get-buffer-create " *elman errors*")))

(defun elman--ready (_)
  "The server can be told of documents."
  (jsonrpc-notify elman--connection :initialized (make-hash-table))
  (setq elman--state 'ready)
  (dolist (buffer (buffer-list))
    (with-current-buffer buffer
      (setq elman--uri nil)))
  (with-current-buffer (window-buffer)
    (when elman-mode
      (if elman--late (elman--ask 2) (elman--tell)))))

(defun elman--stop ()
  "End the server."
  (let ((connection elman--connection))
    (setq elman--connection nil elman--state 'off)
    (when (and connection (jsonrpc-running-p connection))
      (ignore-errors
        (jsonrpc-async-request connection :shutdown nil :timeout nil)
        (jsonrpc-notify connection :exit nil))
      (run-with-timer 2 nil #'delete-process (jsonrpc--process connection)))))

(defun elman--ended (connection)
  "Start the server again, unless CONNECTION was ended or has ended too often."
  (when (eq connection elman--connection)
    (let ((now (float-time)))
      (setq elman--connection nil
            elman--state 'off
            elman--restarts (seq-filter (lambda (time) (< (- now time) elman--restart-seconds))
                                        elman--restarts))
      (if (>= (length elman--restarts) elman-restarts)
          (progn
            (setq elman--state 'failed)
            (elman--say "the server ended once more; M-x elman-restart tries again"))
        (push now elman--restarts)
        (elman--say "the server ended and is started again")
        (elman--start)))))

(defun elman--told (_ method params)
  "The server told METHOD with PARAMS."
  (pcase method
    ('window/showMessage (elman--say "%s" (string-remove-prefix "elman: " (plist-get params :message))))
    ('$/elman/status (when (equal (plist-get params :state) "ready")
                       (with-current-buffer (window-buffer)
                         (elman--again))))))

(defun elman--again ()
  "Ask once more where it was in vain, for a server that had failed suggests again."
  (when (and elman-mode elman--vain (elman--moment-p)
             (equal elman--vain (cons (point) (buffer-chars-modified-tick))))
    (elman--ask 2)))

(defun elman--request (method params answered)
  "Ask for METHOD with PARAMS; ANSWERED gets the result, but no error."
  (elman--send #'jsonrpc-async-request method params :timeout nil
               :success-fn answered :error-fn #'ignore))

(defun elman--notify (method params)
  "Tell METHOD with PARAMS where a server is ready."
  (when (eq elman--state 'ready)
    (elman--send #'jsonrpc-notify method params)))

(defun elman--send (how &rest message)
  "Send MESSAGE, by the function HOW.
To a server that has just died nothing is sent: `elman--ended' is on its way."
  (when (and elman--connection (jsonrpc-running-p elman--connection))
    (condition-case nil
        (apply how elman--connection message)
      (error nil))))

(defun elman--object (plist)
  "PLIST, or an empty object."
  (or plist (make-hash-table)))

(defun elman--configure ()
  "Tell settings where they changed."
  (unless (equal elman-settings elman--sent-settings)
    (setq elman--sent-settings elman-settings)
    (elman--notify :workspace/didChangeConfiguration
                   `(:settings (:elman ,(elman--object elman-settings))))))

;;;; What the server knows of a buffer

(defconst elman--most-changes 200
  "With more changes than this at once, the text is sent whole.")

(defun elman--position (place)
  "PLACE as a line and a column of UTF-16 code units."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char place)
      (let ((start (line-beginning-position)))
        (list :line (1- (line-number-at-pos place t))
              :character (elman--units start place))))))

(defun elman--units (start end)
  "How many UTF-16 code units stand between START and END."
  (save-excursion
    (save-match-data
      (goto-char start)
      (let ((units (- end start)))
        (while (re-search-forward (rx (any (#x10000 . #x10ffff))) end t)
          (setq units (1+ units)))
        units))))

(defun elman--text (start end)
  "The text from START to END as it may be sent: no bytes, no carriage return."
  (save-restriction
    (widen)
    (save-match-data
      (mapconcat #'identity
                 (split-string (buffer-substring-no-properties start end)
                               (rx (or (any "\r" (#xd800 . #xdfff) (#x110000 . #x3fff7f))
                                       (any (#x3fff80 . #x3fffff)))))
                 " "))))

(defun elman--before-change (start end)
  "Note that what stands from START to END is about to change."
  (unless (eq elman--tick (buffer-chars-modified-tick)) ; a change without hooks
    (setq elman--changes 'whole))
  (setq elman--before
        (and elman--uri (listp elman--changes)
             (list start end (elman--position start) (elman--position end)))))

(defun elman--after-change (start end length)
  "Note what changed: LENGTH characters gave way to those from START to END."
  (setq elman--changed t
        elman--tick (buffer-chars-modified-tick))
  (when elman--uri
    (pcase-let ((`(,from ,to ,first ,last) elman--before))
      (if (and from (= from start) (= (- to from) length)
               (< (length elman--changes) elman--most-changes))
          (push `(:range (:start ,first :end ,last) :text ,(elman--text start end)) elman--changes)
        (setq elman--changes 'whole))))
  (setq elman--before nil))

(defun elman--tell ()
  "The server knows the buffer as it is."
  (if (not elman--uri)
      (elman--open)
    (unless (eq elman--tick (buffer-chars-modified-tick))
      (setq elman--changes 'whole))
    (when elman--changes
      (setq elman--version (1+ elman--version))
      (elman--notify
       :textDocument/didChange
       `(:textDocument (:uri ,elman--uri :version ,elman--version)
         :contentChanges ,(if (eq elman--changes 'whole)
                              (vector (list :text (elman--whole)))
                            (vconcat (reverse elman--changes)))))))
  (setq elman--changes nil
        elman--tick (buffer-chars-modified-tick)))

(defun elman--whole ()
  "The whole text."
  (save-restriction
    (widen)
    (elman--text (point-min) (point-max))))

(defun elman--open ()
  "Tell the server of the buffer."
  (setq elman--uri (elman--name))
  (elman--notify
   :textDocument/didOpen
   `(:textDocument (:uri ,elman--uri
                    :languageId ,(string-remove-suffix "-mode" (symbol-name major-mode))
                    :version ,(setq elman--version (1+ elman--version))
                    :text ,(elman--whole)))))

(defun elman--name ()
  "The buffer's URI."
  (if buffer-file-name
      (concat "file://" (url-hexify-string (file-local-name buffer-file-name) url-path-allowed-chars))
    (concat "untitled:" (url-hexify-string (buffer-name)))))

(defun elman--close ()
  "The server may forget the buffer."
  (when elman--uri
    (elman--notify :textDocument/didClose `(:textDocument (:uri ,elman--uri)))
    (setq elman--uri nil elman--changes nil)))

;;;; What is shown

(defvar elman--keys (list (cons 'elman--visible elman-ghost-map))
  "For `emulation-mode-map-alists': ahead of the keys of all minor modes.")

(defun elman--show (text gone)
  "Show TEXT after point; GONE characters after it give way where it is inserted."
  (elman--hide)
  (let ((overlay (make-overlay (point) (point))))
    (overlay-put overlay 'priority 1000)
    (setq elman--ghost (list :overlay overlay :gone gone
                             :before (buffer-substring-no-properties (line-beginning-position) (point))
                             :after (buffer-substring-no-properties (point) (line-end-position)))
          elman--visible t)
    (elman--draw text)))

(defun elman--draw (text)
  "Draw TEXT at point."
  (let ((shown (propertize text 'face 'elman-ghost))
        (overlay (plist-get elman--ghost :overlay)))
    (put-text-property 0 1 'cursor t shown) ; the cursor stands before it
    (move-overlay overlay (point) (point))
    (overlay-put overlay 'after-string shown)
    (setq elman--ghost (plist-put elman--ghost :text text))))

(defun elman--hide ()
  "Show nothing."
  (when elman--ghost
    (delete-overlay (plist-get elman--ghost :overlay)))
  (setq elman--ghost nil elman--visible nil))

(defun elman--follow ()
  "Whether the line became what was shown; the rest of it then is."
  (when elman--ghost
    (let* ((text (plist-get elman--ghost :text))
           (before (plist-get elman--ghost :before))
           (now (buffer-substring-no-properties (line-beginning-position) (point)))
           (typed (and (string-prefix-p before now) (substring now (length before)))))
      (when (and typed
                 (string-prefix-p typed text)
                 (length< typed (length text))
                 (equal (plist-get elman--ghost :after)
                        (buffer-substring-no-properties (point) (line-end-position))))
        (setq elman--ghost (plist-put elman--ghost :before now))
        (elman--draw (substring text (length typed)))
        t))))

;;;; When to ask

(defvar company-candidates)
(defvar evil-state)
(defvar evil-local-mode)
(defvar multiple-cursors-mode)

(defun elman--moment-p ()
  "Whether a suggestion may be shown now."
  (not (or buffer-read-only overwrite-mode isearch-mode
           (use-region-p)
           executing-kbd-macro defining-kbd-macro
           completion-in-region-mode
           (bound-and-true-p company-candidates)
           (bound-and-true-p multiple-cursors-mode)
           (and (bound-and-true-p evil-local-mode) (not (memq evil-state '(insert emacs)))))))

(defun elman--pre-command ()
  "A command begins."
  (setq elman--changed nil))

(defun elman--post-command ()
  "After a command, keep what is shown, hide it, or ask.
While more keys wait, the question does as well."
  (let ((is-wanted (and (or elman--changed elman--owed)
                        (>= (buffer-size) elman--size)
                        (not (memq this-command '(undo undo-only undo-redo))))))
    (setq elman--size (buffer-size) elman--owed nil
          elman--late (and elman--late (not elman--changed)))
    (cond
     ((not (elman--moment-p))
      (setq elman--changed nil) ; a macro's commands end before the one that ran them
      (elman--hide))
     ((elman--follow))
     (t (elman--hide)
        (when is-wanted
          (if (input-pending-p)
              (setq elman--owed t)
            (elman--ask 2)))))))

(defun elman--ask (kind &optional step)
  "Ask for a suggestion: KIND is 1 if somebody asked for it, 2 if not.
STEP is how far to go from what is shown."
  (elman--start)
  (setq elman--late t)
  (when (eq elman--state 'ready)
    (elman--configure)
    (elman--tell)
    (let ((number (setq elman--asked (1+ elman--asked)))
          (tick (buffer-chars-modified-tick))
          (place (point))
          (buffer (current-buffer)))
      (elman--request
       :textDocument/inlineCompletion
       `(:textDocument (:uri ,elman--uri)
         :position ,(elman--position place)
         :context (:triggerKind ,kind))
       (lambda (answer)
         (when (buffer-live-p buffer)
           (with-current-buffer buffer
             (when (= number elman--asked)
               (setq elman--late nil
                     elman--vain (and (seq-empty-p (plist-get answer :items)) (cons place tick)))
               (when (and elman-mode (eq buffer (window-buffer)) (= place (point))
                          (= tick (buffer-chars-modified-tick))
                          (elman--moment-p))
                 (elman--answered (append (plist-get answer :items) nil) (or step 0)))))))))))

(defun elman--answered (items step)
  "Show that one of ITEMS that is STEP from what is shown, or the first."
  (when items
    (let* ((shown (plist-get elman--ghost :text))
           (now (and shown (seq-position items shown
                                         (lambda (item text) (equal (plist-get item :insertText) text)))))
           (item (nth (mod (if now (+ now step) (min step 0)) (length items)) items)))
      (elman--show (plist-get item :insertText) (elman--gone item)))))

(defun elman--gone (item)
  "How many characters after point ITEM puts its own end in the place of."
  (let* ((end (plist-get (plist-get (plist-get item :range) :end) :character))
         (start (elman--units (line-beginning-position) (point)))
         (gone 0))
    (while (and end (< (+ (point) gone) (line-end-position))
                (< (elman--units (point) (+ (point) gone)) (- end start)))
      (setq gone (1+ gone)))
    gone))

;;;; Commands

(defun elman--accept (by pattern)
  "Insert the first part of what is shown, that which PATTERN matches.
BY is what the server is told of it."
  (when elman--ghost
    (let* ((text (plist-get elman--ghost :text))
           (part (if (string-match pattern text) (match-string 0 text) text)))
      (elman--tell)
      (elman--notify :elman/accepted `(:textDocument (:uri ,elman--uri) :text ,part :by ,by))
      (when (equal part text)
        (delete-char (plist-get elman--ghost :gone)))
      (insert part))))

(defun elman-accept ()
  "Insert what is suggested."
  (interactive)
  (elman--accept "all" "\\`.*\\'"))

(defun elman-accept-word ()
  "Insert the next word of what is suggested, with the space before it."
  (interactive)
  (elman--accept "word" "\\`[[:space:]]*\\(?:[[:word:]]+\\|[^[:word:][:space:]]+\\)"))

(defun elman-accept-character ()
  "Insert the next character of what is suggested, with its accents."
  (interactive)
  (elman--accept "character" "\\`.\\c^*"))

(defun elman-next ()
  "Show the next suggestion, or the first where nothing is shown."
  (interactive)
  (elman--ask 1 1))

(defun elman-previous ()
  "Show the suggestion before."
  (interactive)
  (elman--ask 1 -1))

(defun elman-dismiss ()
  "Show nothing here; what is dismissed twice at a place is not shown there again."
  (interactive)
  (when elman--ghost
    (elman--tell)
    (elman--notify :elman/dismissed
                   `(:textDocument (:uri ,elman--uri)
                     :position ,(elman--position (point))
                     :text ,(plist-get elman--ghost :text)))
    (elman--hide)))

(defun elman-say ()
  "Say what is suggested, for those who do not see it."
  (interactive)
  (message "%s" (or (plist-get elman--ghost :text) "elman: nothing is suggested")))

;;;###autoload
(defun elman-status ()
  "Say what the server is at."
  (interactive)
  (cond
   ((not elman-mode) (message "elman: off in this buffer"))
   ((not (eq elman--state 'ready)) (message "elman: %s" elman--state))
   (t (elman--tell)
      (elman--request :elman/status `(:textDocument (:uri ,elman--uri)) #'elman--report))))

(defun elman--report (status)
  "Say STATUS."
  (message "elman: %s%s"
           (string-join (seq-filter (lambda (part) (and part (not (string-empty-p part))))
                                    (list (plist-get status :state) (plist-get status :model)
                                          (plist-get status :message)))
                        ", ")
           (if-let ((latency (plist-get status :latencyMilliseconds)))
               (format "; last answer in %s ms, %s keys saved" latency (plist-get status :keysSaved))
             "")))

;;;###autoload
(defun elman-restart ()
  "Start the server anew, however often it has ended."
  (interactive)
  (elman--stop)
  (setq elman--restarts nil elman--said nil)
  (elman--start))

;;;###autoload
(define-minor-mode elman-mode
  "Show after point what a model of your own expects to be typed next."
  :lighter " elman"
  (if (and elman-mode (not (elman--refused-p)))
      (elman--enable)
    (setq elman-mode nil)
    (elman--disable)))

(defun elman--refused-p ()
  "Whether nothing is ever suggested in this buffer."
  (or (minibufferp)
      (> (buffer-size) elman-max-size)
      (apply #'derived-mode-p elman-excluded-modes)))

(defun elman--enable ()
  "Begin to watch the buffer."
  (add-to-list 'emulation-mode-map-alists 'elman--keys)
  (setq elman--size (buffer-size))
  (add-hook 'before-change-functions #'elman--before-change nil t)
  (add-hook 'after-change-functions #'elman--after-change nil t)
  (add-hook 'pre-command-hook #'elman--pre-command nil t)
  (add-hook 'post-command-hook #'elman--post-command nil t)
  (add-hook 'kill-buffer-hook #'elman--close nil t)
  (add-hook 'change-major-mode-hook #'elman--disable nil t)
  (add-hook 'after-set-visited-file-name-hook #'elman--close nil t)
  (when (eq elman--state 'failed)
    (setq elman--state 'off))
  ;; Not at once: a new process kills the buffers of the last one, and who calls may be walking the list of buffers.
  (run-with-timer 0 nil #'elman--start-for (current-buffer))
  (run-with-idle-timer 0.3 nil #'elman--prepare (current-buffer)))

(defun elman--start-for (buffer)
  "Start the server for BUFFER, if it is still watched."
  (when (and (buffer-live-p buffer) (buffer-local-value 'elman-mode buffer))
    (elman--start)))

(defun elman--prepare (buffer)
  "Tell the server of BUFFER while nobody types, for a long text takes time."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (when (and elman-mode (eq elman--state 'ready) (get-buffer-window))
        (elman--tell)))))

(defun elman--disable ()
  "Watch the buffer no longer; the server ends with the last one that is watched."
  (elman--hide)
  (elman--close)
  (remove-hook 'before-change-functions #'elman--before-change t)
  (remove-hook 'after-change-functions #'elman--after-change t)
  (remove-hook 'pre-command-hook #'elman--pre-command t)
  (remove-hook 'post-command-hook #'elman--post-command t)
  (unless (seq-some (lambda (buffer) (and (not (eq buffer (current-buffer)))
                                          (buffer-local-value 'elman-mode buffer)))
                    (buffer-list))
    (elman--stop)))

(defun elman--turn-on ()
  "Turn `elman-mode' on where text is written."
  (when (and (apply #'derived-mode-p elman-global-modes)
             (not buffer-read-only)
             (not (elman--refused-p)))
    (elman-mode 1)))

;;;###autoload
(define-globalized-minor-mode global-elman-mode elman-mode elman--turn-on
  :group 'elman)

(provide 'elman)
;;; elman.el ends here
