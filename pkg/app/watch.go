package app

import (
	"crypto/sha256"
	"io"
	"os"
)

// fileWatch notices that a file has other contents than before, by looking at them. That needs no more than reading it, so it works on
// every file system and through every chain of symbolic links, such as those of a ConfigMap's volume, whose files are never written to;
// and nodes cannot run out of it, as they do of inotify instances.
type fileWatch struct {
	path    string // empty for no file
	seen    string // the contents that count as known
	pending string // other contents that were there at the latest look
}

// newFileWatch returns a watch of the file, and of nothing if that is none that can be read again, such as a pipe.
func newFileWatch(path string) fileWatch {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return fileWatch{}
	}
	w := fileWatch{path: path}
	w.know()
	return w
}

// maxWatched bounds what is read at a look, in bytes. Configurations that are as large are refused.
const maxWatched = 4 << 20

// look says whether there are other contents than those that are known, the same ones for two looks in turn: what is still being
// written is left alone. They count as known from then on. A file that cannot be read has contents, too: the reason.
func (w *fileWatch) look() bool {
	if w.path == "" {
		return false
	}
	now := contents(w.path)
	settled := now == w.pending && now != w.seen
	if w.pending = now; settled {
		w.seen = now
	}
	return settled
}

// know takes the contents as they are now for known.
func (w *fileWatch) know() {
	if w.path != "" {
		w.seen = contents(w.path)
		w.pending = w.seen
	}
}

// contents stands for what is in a file.
func contents(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = file.Close() }() // it was only read
	sum := sha256.New()
	if _, err := io.Copy(sum, io.LimitReader(file, maxWatched)); err != nil {
		return err.Error()
	}
	return string(sum.Sum(nil))
}
