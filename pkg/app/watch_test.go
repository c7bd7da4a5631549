package app

import (
	"os"
	"path/filepath"
	"testing"
)

// volume is a directory as the kubelet fills it for a ConfigMap: the file is a link to ..data/FILE, and ..data is a link to a directory
// that is never changed but replaced.
type volume struct {
	t   *testing.T
	dir string
	n   int
}

func newVolume(t *testing.T, text string) *volume {
	t.Helper()
	v := &volume{t: t, dir: t.TempDir()}
	v.update(text)
	v.must(os.Symlink(filepath.Join("..data", "config.yaml"), v.path()))
	return v
}

func (v *volume) path() string { return filepath.Join(v.dir, "config.yaml") }

func (v *volume) must(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

// update does what the kubelet does when the ConfigMap has changed.
func (v *volume) update(text string) {
	v.t.Helper()
	v.n++
	fresh, data := filepath.Join(v.dir, "..v"+string(rune('0'+v.n))), filepath.Join(v.dir, "..data")
	before, _ := os.Readlink(data)
	v.must(os.Mkdir(fresh, 0o700))
	v.must(os.WriteFile(filepath.Join(fresh, "config.yaml"), []byte(text), 0o600))
	v.must(os.Symlink(filepath.Base(fresh), data+"_tmp"))
	v.must(os.Rename(data+"_tmp", data))
	if before != "" {
		v.must(os.RemoveAll(filepath.Join(v.dir, before)))
	}
}

func TestWatchNoticesWhateverChangesContents(t *testing.T) {
	v := newVolume(t, "one")
	watch := newFileWatch(v.path())
	w := &watch
	looks := func(what string, want ...bool) {
		t.Helper()
		for i := range want {
			if got := w.look(); got != want[i] {
				t.Errorf("%s: look %d says %v", what, i+1, got)
			}
		}
	}
	write := func(text string) {
		t.Helper()
		v.must(os.WriteFile(v.path(), []byte(text), 0o600))
	}
	looks("nothing happens", false, false)
	v.update("two")
	looks("the links of a volume", false, true, false)
	v.update("two")
	looks("the same contents in another file", false, false)
	write("thr")
	looks("half of it is written", false)
	write("three")
	looks("the other half", false, true, false)
	write("fo")
	looks("an editor begins", false)
	write("three")
	looks("and gives up", false, false)
	v.must(os.WriteFile(v.path()+".new", []byte("four"), 0o600))
	v.must(os.Rename(v.path()+".new", v.path()))
	looks("an editor renames", false, true, false)
	v.must(os.Remove(v.path()))
	looks("the file is gone", false, true, false)
	write("four")
	looks("the file is back", false, true, false)
	write("five")
	w.know()
	looks("it was loaded for another reason", false, false)
	w = &fileWatch{}
	looks("there is no file", false, false)
}
