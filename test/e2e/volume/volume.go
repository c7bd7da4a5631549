// Package volume has folders that change as those of a Secret or a ConfigMap do.
package volume

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// Volume is a folder of files that are replaced all at once, by the change of a link.
type Volume struct {
	dir  string
	next int
}

// New makes a folder, empty at first.
func New(dir string) (*Volume, error) { return &Volume{dir: dir}, os.MkdirAll(dir, 0o700) }

// Path is where a file is found.
func (v *Volume) Path(name string) string { return filepath.Join(v.Dir(), name) }

// Dir is the folder that shows the files.
func (v *Volume) Dir() string { return filepath.Join(v.dir, "..data") }

// Swap puts files, by their names, in the place of those that there are.
func (v *Volume) Swap(files map[string]string) error {
	v.next++
	data, link := filepath.Join(v.dir, strconv.Itoa(v.next)), filepath.Join(v.dir, "..data_tmp")
	if err := os.Mkdir(data, 0o700); err != nil {
		return fmt.Errorf("replacing files: %w", err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(data, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("replacing files: %w", err)
		}
	}
	if err := os.Symlink(data, link); err != nil {
		return fmt.Errorf("replacing files: %w", err)
	}
	if err := os.Rename(link, v.Dir()); err != nil {
		return fmt.Errorf("replacing files: %w", err)
	}
	return nil
}
